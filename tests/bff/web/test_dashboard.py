"""The dashboard: which REST calls it makes, and what is left of it when a service is gone."""

import asyncio
from typing import Any

import pytest

from tests.harness.in_memory_bff import ANONYMOUS, code_of, execute, operation
from tests.harness.upstream import FakeUpstream

DASHBOARD = operation("web", "Dashboard")
SLOW_MACHINE_S = 5.0

#: Dashboard fields that belong to each service, as paths; ``*`` is every item of a list.
OWN_FIELDS = {
    "customers": {"customer", "recentOrders.*.customer"},
    "orders": {"recentOrders", "analytics"},
    "products": {"recommendations", "recentOrders.*.items.*.product"},
    "payments": {"recentOrders.*.payment"},
    "inventory": {"recommendations.*.stock", "recentOrders.*.items.*.product.stock"},
    "shipping": {"recentOrders.*.shipment", "recentOrders.*.trackingUrl"},
    "recommendations": {"recommendations"},
}


def paths(value: Any, at: str = "") -> set[str]:
    """Every path that holds something, list positions as ``*``."""
    all_paths = {at.lstrip(".")}
    if isinstance(value, dict):
        for name, child in value.items():
            if child is not None:
                all_paths |= paths(child, f"{at}.{name}")
    elif isinstance(value, list):
        for child in value:
            all_paths |= paths(child, f"{at}.*")
    return all_paths


async def test_the_whole_dashboard_has_no_errors(schema):
    result = await execute(schema, DASHBOARD, FakeUpstream())
    assert result.errors == []
    dashboard = result.data["dashboard"]
    assert dashboard["customer"]["name"] == "Customer 1"
    assert len(dashboard["recentOrders"]) == 10
    assert len(dashboard["recommendations"]) == 8
    assert dashboard["analytics"] == {
        "totalSpent": {"amount": "499.60", "currency": "EUR", "formatted": "€499.60"},
        "orderCount": 10,
        "favoriteCategories": ["Kitchen", "Books"],
    }
    shipped = dashboard["recentOrders"][2]
    assert shipped["status"] == "SHIPPED"
    assert shipped["trackingUrl"] == shipped["shipment"]["trackingUrl"]
    assert shipped["items"][0]["product"]["stock"] == 5
    assert shipped["customer"] == {"id": "cust_0001", "name": "Customer 1"}
    assert dashboard["recentOrders"][0]["shipment"] is None


async def test_it_makes_one_rest_call_for_each_endpoint_and_level(schema):
    upstream = FakeUpstream()
    await execute(schema, DASHBOARD, upstream)
    assert upstream.counts() == {
        "/api/customers": 1,
        "/api/orders/by-customer": 1,
        "/api/orders/summary": 1,
        "/api/recommendations": 1,
        "/api/products": 2,  # those recommended, and later those of all lines of all orders
        "/api/inventory": 2,
        "/api/payments": 1,
        "/api/shipping": 1,
    }
    assert {call.headers["x-user-id"] for call in upstream.calls} == {"cust_0001"}
    product_ids = [id_ for call in upstream.calls if call.service == "products" for id_ in call.query["ids"].split(",")]
    assert len(product_ids) == len(set(product_ids))


async def test_a_customer_selected_at_two_places_is_one_call(schema):
    upstream = FakeUpstream()
    await execute(schema, "{ me { id } dashboard { customer { name } recentOrders { customer { email } } } }", upstream)
    assert upstream.counts() == {"/api/customers": 1, "/api/orders/by-customer": 1}


async def test_fields_that_are_not_selected_cost_nothing(schema):
    upstream = FakeUpstream()
    await execute(schema, "{ dashboard { analytics { orderCount } } }", upstream)
    assert upstream.counts() == {"/api/orders/summary": 1}


@pytest.mark.parametrize(
    ("how", "code"),
    [("fail", "UPSTREAM_UNAVAILABLE"), ("stall", "UPSTREAM_TIMEOUT"), ("refuse", "UPSTREAM_UNAVAILABLE")],
)
@pytest.mark.parametrize("service", OWN_FIELDS)
async def test_a_service_that_is_gone_nulls_only_its_own_fields(schema, service, how, code):
    whole = paths((await execute(schema, DASHBOARD, FakeUpstream())).data["dashboard"])
    upstream = FakeUpstream()
    getattr(upstream, how)(service)
    result = await execute(schema, DASHBOARD, upstream)
    lost = {path for path in whole if any(path == own or path.startswith(f"{own}.") for own in OWN_FIELDS[service])}
    assert paths(result.data["dashboard"]) == whole - lost
    assert {code_of(error) for error in result.errors} == {code}
    places = {".".join("*" if isinstance(p, int) else str(p) for p in (e.path or [])[1:]) for e in result.errors}
    assert places == OWN_FIELDS[service]


@pytest.mark.parametrize("service", OWN_FIELDS)
async def test_a_service_that_hangs_costs_only_its_own_fields(schema, service):
    upstream = FakeUpstream()
    upstream.hang(service)
    async with asyncio.timeout(1 + SLOW_MACHINE_S):
        result = await execute(schema, DASHBOARD, upstream, deadline_in_s=1)
    assert {code_of(error) for error in result.errors} == {"UPSTREAM_TIMEOUT"}
    places = {".".join("*" if isinstance(p, int) else str(p) for p in (e.path or [])[1:]) for e in result.errors}
    assert places == OWN_FIELDS[service]


@pytest.mark.parametrize("nonsense", [[], {"items": [{"id": 7}]}, {"items": "many"}, "text"])
async def test_nonsense_from_a_service_is_an_error_without_its_text(schema, nonsense):
    upstream = FakeUpstream()
    upstream.respond("customers", nonsense)
    result = await execute(schema, "{ dashboard { customer { id } analytics { orderCount } } }", upstream)
    assert result.data == {"dashboard": {"customer": None, "analytics": {"orderCount": 10}}}
    [error] = result.errors
    assert (code_of(error), error.message) == (
        "UPSTREAM_UNAVAILABLE",
        "customers answered something unreadable to /api/customers",
    )


async def test_an_anonymous_viewer_gets_only_recommendations(schema):
    upstream = FakeUpstream()
    parts = "customer { id } recentOrders { id } recommendations { id } analytics { orderCount }"
    query = f"{{ me {{ id }} dashboard {{ {parts} }} }}"
    result = await execute(schema, query, upstream, viewer=ANONYMOUS)
    dashboard = result.data["dashboard"]
    assert result.data["me"] is None
    assert [name for name, value in dashboard.items() if value is None] == ["customer", "recentOrders", "analytics"]
    assert len(dashboard["recommendations"]) == 8
    assert [code_of(error) for error in result.errors] == ["UNAUTHENTICATED"] * 4
    assert set(upstream.counts()) == {"/api/recommendations", "/api/products"}


async def test_recommendations_leave_out_products_no_longer_sold(schema):
    upstream = FakeUpstream()
    query = "{ dashboard { recommendations { id } recentOrders(first: 1) { items { productName product { id } } } } }"
    del upstream.products["prod_0001"]
    upstream._collections["recommendations"] = lambda call: {
        "items": [
            {"id": f"r{n}", "customer_id": None, "product_id": f"prod_000{n}", "score": 1.0, "reason": "popular"}
            for n in (1, 2)
        ]
    }
    result = await execute(schema, query, upstream)
    assert result.errors == []
    dashboard = result.data["dashboard"]
    assert dashboard["recommendations"] == [{"id": "prod_0002"}]
    assert dashboard["recentOrders"][0]["items"] == [
        {"productName": "Product 1", "product": None},
        {"productName": "Product 2", "product": {"id": "prod_0002"}},
    ]
