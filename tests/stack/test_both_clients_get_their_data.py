"""The main path: an edge request of each client, through its BFF, through Envoy, to the services and back."""

import json
from typing import Any

import pytest

from tests.harness.platform import Platform

pytestmark = pytest.mark.stack


def size(data: Any) -> int:
    return len(json.dumps(data, separators=(",", ":")).encode())


def test_the_dashboard_has_no_errors(platform: Platform) -> None:
    printed = platform.printed_token("--customer", "cust_0001")
    signed_in = {"authorization": f"Bearer {printed}"}
    response = platform.graphql("web", {"query": platform.operation("web", "Dashboard")}, signed_in)

    assert response.status == 200
    dashboard = response.data["dashboard"]
    assert dashboard["customer"]["id"] == "cust_0001"
    assert len(dashboard["recentOrders"]) == 10
    assert all(line["product"] is not None for order in dashboard["recentOrders"] for line in order["items"])
    assert len(dashboard["recommendations"]) == 8
    assert dashboard["analytics"]["orderCount"] >= 10


def test_the_mobile_home_is_executed_by_its_hash_alone(platform: Platform) -> None:
    response = platform.graphql("mobile", platform.persisted("Home"), platform.customer())

    assert response.status == 200
    assert len(response.data["home"]["recentOrders"]) == 5


def test_home_has_at_most_a_tenth_of_the_bytes_of_the_dashboard(platform: Platform) -> None:
    dashboard = platform.graphql("web", {"query": platform.operation("web", "Dashboard")}, platform.customer()).data
    home = platform.graphql("mobile", platform.persisted("Home"), platform.customer()).data

    assert size(home) * 10 <= size(dashboard)


def test_the_dashboard_makes_one_call_per_endpoint_and_level(platform: Platform) -> None:
    query = {"query": platform.operation("web", "Dashboard")}
    before = platform.rest_calls()
    _ = platform.graphql("web", query, platform.customer()).data
    after = platform.rest_calls()

    made: dict[str, int] = {}
    for key, count in after.items():
        if count > before.get(key, 0):
            _, method, route = key  # legacy or new: the route is the same endpoint
            made[f"{method} {route}"] = made.get(f"{method} {route}", 0) + count - before.get(key, 0)
    assert made == {
        "GET /api/customers": 1,
        "GET /api/orders/by-customer": 1,
        "GET /api/orders/summary": 1,
        "GET /api/recommendations": 1,
        # Level 2: the recommended products; level 3: those of the order lines, unless both fall on one tick.
        "GET /api/products": made.get("GET /api/products", 0),
        "GET /api/inventory": made.get("GET /api/inventory", 0),
        "GET /api/payments": 1,
        "GET /api/shipping": 1,
    }
    assert 1 <= made["GET /api/products"] <= 2
    assert 1 <= made["GET /api/inventory"] <= 2


def test_an_unknown_hash_is_named_so(platform: Platform) -> None:
    params = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}

    assert platform.graphql("mobile", params, platform.customer()).codes == ["PERSISTED_QUERY_NOT_FOUND"]


def test_an_anonymous_visitor_sees_products_and_no_customer(platform: Platform) -> None:
    products = platform.graphql("web", {"query": "{ products(first: 2) { nodes { id name } } }"})
    me = platform.graphql("web", {"query": "{ me { id } }"})

    assert len(products.data["products"]["nodes"]) == 2
    assert me.body["data"] == {"me": None}
    assert me.codes == ["UNAUTHENTICATED"]


def test_a_hundred_entities_cost_one_rest_call(platform: Platform) -> None:
    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Customer { id name } } }"
    representations = [{"__typename": "Customer", "id": f"cust_{n:04}"} for n in range(1, 101)]
    before = platform.rest_calls()
    response = platform.graphql(
        "web", {"query": query, "variables": {"r": representations}}, platform.staff("operator")
    )
    after = platform.rest_calls()

    assert [entity["id"] for entity in response.data["_entities"]] == [r["id"] for r in representations]
    assert sum(after.values()) - sum(before.values()) == 1
