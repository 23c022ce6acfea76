"""What `explain` says of an operation is what the executor does with it."""

from collections.abc import Iterator
from typing import get_args

import pytest
from graphql import is_object_type

from matapalo.app import build_schema, limits
from matapalo.execution.explain import FALLBACKS, Field, Selection, explain, render, why_not_in_a_level
from matapalo.execution.levels import Reason, reader_of
from matapalo.graphql_core import core_schema
from matapalo.operations.document import Documents
from matapalo.settings import Settings
from tests.harness.shop import ROOT, SHOP

WEB = build_schema(SHOP, SHOP.clients["web"])


def explained(source: str) -> Selection:
    documents = Documents(WEB, limits(Settings.model_construct()))
    return explain(WEB, documents.find(source, None))


def fields(selection: Selection, *above: str) -> Iterator[tuple[str, Field]]:
    for field in selection.fields:
        path = (*above, field.name)
        yield ".".join(path), field
        for below in field.selections:
            yield from fields(below, *path)


@pytest.fixture(scope="module")
def dashboard() -> Selection:
    return explained((ROOT / "schema/operations/web/Dashboard.graphql").read_text())


def test_the_dashboard_is_two_levels_below_its_resolvers(dashboard: Selection) -> None:
    by_path = dict(fields(dashboard, "query"))
    assert dashboard.level is None
    resolver, attribute = by_path["query.dashboard.recentOrders"], by_path["query.dashboard.recentOrders.total"]
    product = by_path["query.dashboard.recentOrders.items.product"]
    assert (resolver.source, resolver.code) == ("resolver", "WebDashboard.recent_orders")
    assert (attribute.source, attribute.code) == ("attribute", "Order.total")
    assert (product.source, product.code, product.key) == ("relation", "load_products", "product_id")
    assert [field.selections[0].level for field in (resolver, attribute, product)] == [1, 1, 2]


def test_the_dashboard_names_what_graphql_core_executes(dashboard: Selection) -> None:
    (analytics,) = dict(fields(dashboard))["dashboard.analytics"].selections
    assert (analytics.level, analytics.reason) == (None, "favoriteCategories is a list of scalars")


def test_arguments_take_a_selection_and_those_above_it_out() -> None:
    tree = explained("{ order(id: 1) { id customer { name orders(first: 3) { nodes { id } } } } }")
    by_path = dict(fields(tree))
    assert by_path["order"].selections[0].level == 1  # a relation's rows are completed one by one
    assert by_path["order.customer"].selections[0].reason == "orders takes arguments"
    orders = by_path["order.customer.orders"]
    assert (orders.is_connection, orders.source, orders.selections[0].level) == (True, "relation", 3)


def test_a_union_has_a_selection_for_each_member() -> None:
    (payload,) = explained((ROOT / "schema/operations/web/PlaceOrder.graphql").read_text()).fields
    assert {member.type_name for member in payload.selections if member.is_union_member} == {
        *("OrderPlaced", "OrderPending", "OutOfStock", "PaymentDeclined")
    }


@pytest.mark.parametrize("client", SHOP.clients)
def test_a_field_has_a_reason_unless_a_level_reads_it(client: str) -> None:
    types = core_schema(build_schema(SHOP, SHOP.clients[client])).type_map.values()
    for kind in filter(is_object_type, types):
        for name, field in kind.fields.items():
            assert bool(why_not_in_a_level(field)) is (reader_of(field) is None), f"{kind.name}.{name}"


def test_the_text_has_a_line_for_each_field(dashboard: Selection) -> None:
    lines = render(dashboard).splitlines()
    assert len(lines) == 1 + len(list(fields(dashboard))) + 2 + len(FALLBACKS)
    (stock,) = {" ".join(line.split()) for line in lines if "stock: Int" in line}
    assert stock == "stock: Int relation: load_available by id, one call per level"


def test_every_reason_of_a_fallback_is_explained() -> None:
    assert set(FALLBACKS) == set(get_args(Reason))
