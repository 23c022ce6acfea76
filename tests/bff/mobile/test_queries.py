"""The mobile schema: small answers, few calls."""

import msgspec
import pytest
import strawberry

from bff.commerce.orders.model import Order
from bff.mobile.schema import build_schema
from bff.mobile.types.home import QuickActionType, quick_actions
from bff.web.schema import build_schema as build_web_schema
from tests.harness.in_memory_bff import ANONYMOUS, code_of, execute, operation
from tests.harness.upstream import FakeUpstream

HOME = operation("mobile", "Home")


@pytest.fixture(scope="module")
def schema() -> strawberry.Schema:
    return build_schema()


def orders(*statuses: str) -> list[Order]:
    rows = list(FakeUpstream().orders.values())
    changed = [{**row, "status": status} for row, status in zip(rows, statuses, strict=False)]
    return msgspec.convert(changed, list[Order], strict=False)


def test_the_buttons_reorder_the_last_order_or_track_a_parcel():
    assert quick_actions([]) == []
    assert [(a.type, a.order_id) for a in quick_actions(orders("DELIVERED", "SHIPPED", "SHIPPED"))] == [
        (QuickActionType.REORDER, "ord_00001"),
        (QuickActionType.TRACK, "ord_00002"),
    ]
    assert [a.type for a in quick_actions(orders("PENDING", "DELIVERED"))] == [QuickActionType.REORDER]


async def test_home_is_two_calls_and_five_orders(schema):
    upstream = FakeUpstream()
    result = await execute(schema, HOME, upstream)
    assert result.errors == []
    home = result.data["home"]
    assert home["customer"] == {"name": "Customer 1", "avatarUrl": None}
    assert home["recentOrders"][0] == {
        "id": "ord_00001", "placedAt": "2026-03-01T12:00:00+00:00", "total": "€9.96", "status": "PENDING",
    }  # fmt: skip
    assert len(home["recentOrders"]) == 5
    assert home["quickActions"] == [
        {"type": "REORDER", "orderId": "ord_00001"},
        {"type": "TRACK", "orderId": "ord_00003"},
    ]
    assert upstream.counts() == {"/api/customers": 1, "/api/orders/by-customer": 1}


async def test_home_has_at_most_a_tenth_of_the_bytes_of_the_dashboard(schema):
    home = await execute(schema, HOME, FakeUpstream())
    dashboard = await execute(build_web_schema(), operation("web", "Dashboard"), FakeUpstream())
    assert 10 * len(msgspec.json.encode(home.data)) <= len(msgspec.json.encode(dashboard.data))


async def test_an_order_shows_texts_and_its_tracking_number(schema):
    upstream = FakeUpstream()
    result = await execute(schema, operation("mobile", "Order"), upstream, variables={"id": "ord_00003"})
    assert result.errors == []
    assert result.data["order"] == {
        "id": "ord_00003",
        "status": "SHIPPED",
        "total": "€25.96",
        "items": [
            {"name": "Product 5", "quantity": 2, "price": "€5.99"},
            {"name": "Product 6", "quantity": 2, "price": "€6.99"},
        ],
        "trackingNumber": "TRK00003",
    }
    assert upstream.counts() == {"/api/orders": 1, "/api/shipping": 1}


async def test_products_come_in_pages(schema):
    result = await execute(
        schema, operation("mobile", "Products"), FakeUpstream(), variables={"first": 2}, viewer=ANONYMOUS
    )
    assert result.errors == []
    assert [node["price"] for node in result.data["products"]["nodes"]] == ["€1.99", "€2.99"]
    assert result.data["products"]["pageInfo"]["hasNextPage"] is True


async def test_an_anonymous_home_is_null_with_errors_and_no_calls(schema):
    upstream = FakeUpstream()
    result = await execute(schema, HOME, upstream, viewer=ANONYMOUS)
    assert result.data == {"home": {"customer": None, "recentOrders": None, "quickActions": None}}
    assert {code_of(error) for error in result.errors} == {"UNAUTHENTICATED"}
    assert upstream.calls == []


@pytest.mark.parametrize("how", ["fail", "stall"])
async def test_a_failing_service_nulls_only_its_own_fields(schema, how):
    upstream = FakeUpstream()
    getattr(upstream, how)("customers")
    result = await execute(schema, HOME, upstream)
    assert result.data["home"]["customer"] is None
    assert len(result.data["home"]["recentOrders"]) == 5
    upstream = FakeUpstream()
    getattr(upstream, how)("shipping")
    result = await execute(schema, operation("mobile", "Order"), upstream, variables={"id": "ord_00003"})
    assert result.data["order"]["trackingNumber"] is None
    assert result.data["order"]["status"] == "SHIPPED"
