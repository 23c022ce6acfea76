"""The private parts of graphql-core and Strawberry are those that `matapalo.graphql_core` was written for.

When a test fails after an upgrade: read the changes of `graphql/execution/executor.py`, `graphql/validation/`,
`strawberry/extensions/` and `strawberry/schema/schema.py`, run tests/matapalo/execution and tests/matapalo/operations
(they compare with stock execution), and write the new version or signature here.
"""

import inspect
import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError, parse, validate
from graphql.execution.executor import Executor
from strawberry.extensions import SchemaExtension
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

import matapalo
from matapalo.graphql_core import (
    VALIDATION_RULES,
    core_schema,
    definition_of,
    is_parsing_aborted,
    is_validation_aborted,
)

PRIVATE_IMPORT = re.compile(
    r"(?<!self)\._schema\b|from graphql\.(execution|pyutils)\b|"
    r"from strawberry\.(execution|extensions\.runner|schema|utils)\b"
)


@strawberry.type
class Query:
    number: int = 1


SCHEMA = strawberry.Schema(query=Query)


@pytest.mark.parametrize(("package", "written_for"), [("graphql-core", "3.3.2"), ("strawberry-graphql", "0.341.2")])
def test_the_installed_version_is_the_one_it_was_written_for(package: str, written_for: str) -> None:
    assert version(package) == written_for, __doc__


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (Executor.collect_subfields, "self return_type field_details_list"),
        (Executor.complete_value, "self return_type field_details_list info path result position_context"),
        (Executor.complete_iterable_value, "self item_type field_details_list info path items position_context"),
        (Executor.complete_object_value, "self return_type field_details_list info path result position_context"),
        (Executor.handle_field_error, "self raw_error return_type field_details_list path"),
        (StrawberryGraphQLCoreExecutionContext.build_resolve_info, "self field_def field_nodes parent_type path"),
        (SchemaExtensionsRunner.__init__, "self execution_context extensions"),
        (SchemaExtensionsRunner.get_extensions_results, "self ctx"),
        (SchemaExtensionsRunner.on_stream_result, "self result"),
        (SchemaExtension.on_operation, "self"),
        (SchemaExtension.on_execute, "self"),
    ],
)
def test_the_signatures_are_those_it_was_written_for(function: Callable[..., Any], parameters: str) -> None:
    assert " ".join(inspect.signature(function).parameters) == parameters, __doc__


def test_a_schema_and_its_definitions_are_within_reach() -> None:
    query = core_schema(SCHEMA).query_type
    assert query is not None
    assert definition_of(query).origin is Query  # type: ignore[union-attr]
    assert definition_of(query.fields["number"]).python_name == "number"  # type: ignore[union-attr]


def test_an_aborted_parse_is_recognised() -> None:
    with pytest.raises(GraphQLError) as caught:
        parse("{ a b c }", max_tokens=3)
    assert is_parsing_aborted(caught.value)


def test_an_aborted_validation_is_recognised() -> None:
    wide = "{ " + "number " * 2_000 + "}"
    assert is_validation_aborted(validate(core_schema(SCHEMA), parse(wide), VALIDATION_RULES))


def test_no_other_module_uses_private_parts() -> None:
    sources = [file for file in Path(matapalo.__file__).parent.rglob("*.py") if file.name != "graphql_core.py"]
    assert [file.name for file in sources if PRIVATE_IMPORT.search(file.read_text())] == []
