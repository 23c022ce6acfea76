"""Twenty operations whose costs were worked out by hand from the SDL: each test shows the working.

An object is 1; Money, PageInfo and edges are 0; stock, trackingUrl and trackingNumber 1; analytics 5; an order has 8
lines, its fulfilment 8 steps; a mutation is 10 and each line of a new order 1; following an order is 10.
"""

from functools import cache
from typing import Any, NamedTuple

import pytest

from matapalo.app import build_schema
from matapalo.operations.document import Documents, Operation
from matapalo.operations.limits import DocumentLimits
from matapalo.ratelimit.cost.operations import Costs, OperationCost
from tests.harness.in_memory_bff import operation
from tests.harness.shop import SHOP

PRODUCT = 1 + 1  # itself, stock
LINE = 1 + PRODUCT
FULFILMENT = 1 + 8 * 1  # itself, 8 steps
ORDER = 1 + 8 * LINE + 1 + 1 + 1 + 1 + FULFILMENT  # lines, customer, payment, shipment, trackingUrl, fulfilment
TWO_LINES = {"input": {"items": [{"productId": "prod_0001", "quantity": 1}, {"productId": "prod_0002", "quantity": 3}]}}


class Golden(NamedTuple):
    """``source``: a document, or the name of a committed operation."""

    client: str
    source: str
    variables: dict[str, Any]
    cost: int


GOLDEN = {
    "the dashboard: itself, customer with address and preferences, 10 orders, 8 products, analytics": Golden(
        "web", "Dashboard", {}, 1 + (1 + 1 + 1) + 10 * ORDER + 8 * PRODUCT + 5
    ),
    "one order: itself, 8 lines with product and stock, customer with address, payment, shipment, trackingUrl": Golden(
        "web", "OrderDetails", {"id": "ord_1"}, 1 + 8 * (1 + PRODUCT) + (1 + 1) + 1 + 1 + 1
    ),
    "a page of orders: the connection, 20 of them by default": Golden("web", "OrderHistory", {}, 1 + 20),
    "a page of 5 orders": Golden("web", "OrderHistory", {"first": 5}, 1 + 5),
    "a page of null orders is one of as many as the resolver takes": Golden("web", "OrderHistory", {"first": None}, 21),
    "100 orders and who bought them": Golden("web", "OrdersWithCustomers", {}, 1 + 100 * (1 + 1)),
    "20 products by their edges, each with stock": Golden("web", "ProductSearch", {}, 1 + 20 * PRODUCT),
    "the profile: itself, preferences, a connection of 3 orders": Golden("web", "Profile", {}, 1 + 1 + (1 + 3)),
    "an order of two lines; the dearest outcome is 10 shortages with their products": Golden(
        "web", "PlaceOrder", TWO_LINES, 10 + 10 * (1 + 1) + 2 * 1
    ),
    "an order of one line, as a literal; the outcome's name is free": Golden(
        "web", 'mutation { placeOrder(input: {items: [{productId: "p", quantity: 1}]}) { __typename } }', {}, 10 + 1
    ),
    "three aliases of a mutation are three mutations": Golden(
        "web",
        "mutation { a: confirmWarehouse(orderId: 1) { __typename } b: confirmWarehouse(orderId: 2) { __typename } "
        "c: confirmWarehouse(orderId: 3) { __typename } }",
        {},
        3 * 10,
    ),
    "following an order": Golden("web", "OrderProgress", {"orderId": "ord_1"}, 10),
    "two entities, the dearer of the two types: an order with 8 lines": Golden(
        "web",
        "query ($r: [_Any!]!) { _entities(representations: $r) { ... on Order { items { quantity } } "
        "... on Product { stock } } }",
        {"r": [{"__typename": "Order", "id": "1"}, {"__typename": "Product", "id": "2"}]},
        2 * (1 + 8),
    ),
    "edges and nodes of the same page are both loaded": Golden(
        "web", "{ products(first: 7) { edges { node { id } } nodes { stock } } }", {}, 1 + 7 * 1 + 7 * (1 + 1)
    ),
    "lists in lists: 4 orders of 8 lines each": Golden(
        "web", "{ dashboard { recentOrders(first: 4) { items { quantity } } } }", {}, 1 + 4 * (1 + 8)
    ),
    "what is skipped is free": Golden(
        "web", "query ($s: Boolean!) { me { id orders @skip(if: $s) { nodes { id } } } }", {"s": True}, 1
    ),
    "what is not skipped is not": Golden(
        "web", "query ($s: Boolean!) { me { id orders @skip(if: $s) { nodes { id } } } }", {"s": False}, 1 + 1 + 20
    ),
    "the app's home: itself, customer, 5 orders, 2 actions": Golden("mobile", "Home", {}, 1 + 1 + 5 + 2),
    "the app's order: itself, 8 items, the tracking number": Golden("mobile", "Order", {"id": "o"}, 1 + 8 + 1),
    "the app's products, 30 of them": Golden("mobile", "Products", {"first": 30}, 1 + 30),
}


@cache
def tools(client: str) -> tuple[Documents, Costs]:
    schema = build_schema(SHOP, SHOP.clients[client])
    return Documents(schema, DocumentLimits(introspection=True)), Costs(schema)


def operation_of(client: str, source: str) -> Operation:
    documents, _ = tools(client)
    return documents.find(operation(client, source) if source.isalnum() else source, None)


def cost_of(client: str, source: str) -> OperationCost:
    golden = operation_of(client, source)
    return tools(client)[1].of(golden.source, golden.document, golden.name)


def test_twenty_operations_are_priced() -> None:
    assert len(GOLDEN) == 20


@pytest.mark.parametrize("golden", GOLDEN.values(), ids=GOLDEN.keys())
def test_the_estimate_is_the_hand_worked_cost(golden: Golden) -> None:
    assert cost_of(golden.client, golden.source).estimate(golden.variables) == golden.cost


def test_what_does_not_depend_on_variables_is_a_constant() -> None:
    assert cost_of("mobile", "Home").root.cost.constant == 9
    assert cost_of("web", "Dashboard").root.cost.constant == 405
    assert cost_of("web", "OrderHistory").root.cost.constant is None


def test_only_the_schema_alone_has_a_budget_of_its_own() -> None:
    assert cost_of("web", "{ __schema { types { name } } }").is_introspection
    mixed = cost_of("web", '{ __type(name: "Order") { name } me { id } }')
    assert not mixed.is_introspection
    assert mixed.estimate({}) == 50 + 1
    assert not cost_of("web", "{ __typename }").is_introspection


def test_nodes_are_objects_and_not_what_calls_cost() -> None:
    assert cost_of("web", "ProductSearch").nodes({"first": 3}) == 1 + 3
    assert cost_of("web", "{ dashboard { analytics { orderCount } } }").nodes({}) == 2
