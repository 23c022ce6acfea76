"""Every committed operation is valid for its client's schema, one to a file that bears its name."""

import pytest
from graphql import (
    FieldNode,
    GraphQLSchema,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    parse,
    validate,
    visit,
)

from tests.harness.in_memory_bff import SCHEMA_DIR
from tests.harness.shop import SHOP

OPERATIONS = sorted((SCHEMA_DIR / "operations").glob("*/*.graphql"))


@pytest.fixture(scope="module")
def schemas() -> dict[str, GraphQLSchema]:
    return {name: build_schema((SCHEMA_DIR / f"{name}.graphql").read_text()) for name in SHOP.clients}


@pytest.mark.parametrize("path", OPERATIONS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_operation_is_valid(schemas, path):
    document = parse(path.read_text())
    assert [error.message for error in validate(schemas[path.parent.name], document)] == []
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    assert [operation.name and operation.name.value for operation in operations] == [path.stem]


def test_the_operations_of_the_public_surface_exist():
    names = {f"{path.parent.name}/{path.stem}" for path in OPERATIONS}
    assert {"web/Dashboard", "mobile/Home", "mobile/Order", "mobile/Products"} <= names


@pytest.mark.parametrize(
    ("client", "name", "types"),
    [
        ("web", "Dashboard", ["Dashboard", "Order", "OrderLine", "Product", "OrderAnalytics", "Money", "Fulfilment"]),
        ("mobile", "Home", ["Home", "Me", "OrderRow", "QuickAction"]),
    ],
)
def test_the_start_pages_select_everything(schemas, client, name, types):
    schema = schemas[client]
    selected: dict[str, set[str]] = {}
    info = TypeInfo(schema)

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            parent = info.get_parent_type()
            selected.setdefault(parent.name if parent else "", set()).add(node.name.value)

    path = SCHEMA_DIR / "operations" / client / f"{name}.graphql"
    visit(parse(path.read_text()), TypeInfoVisitor(info, Collect()))
    for type_name in types:
        assert selected[type_name] == set(schema.type_map[type_name].fields), type_name
