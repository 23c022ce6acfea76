"""A payment charged by the monolith is the same payment when the new service has the writes, and Redis nothing."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest
from redis.asyncio import Redis

from matapalo.strangler.routing.route import Route
from matapalo.strangler.store.routes import RouteStore, connect
from tests.harness.eventually import eventually
from tests.harness.platform import Platform

pytestmark = pytest.mark.stack

CUSTOMER = "cust_0043"
PAY = """
mutation Pay($order: ID!) {
  createPayment(input: {orderId: $order}) { __typename ... on PaymentCreated { payment { id amount { amount } } } }
}
"""


@pytest.fixture
async def redis(platform: Platform) -> AsyncIterator[Redis]:
    client = connect(f"redis://127.0.0.1:{6390 + platform.offset}/0")
    yield client
    await client.aclose()


@asynccontextmanager
async def moved(platform: Platform, redis: Redis, name: str) -> AsyncIterator[None]:
    """Everything of a route goes to its new side, writes included, while the block runs."""
    store = RouteStore(redis)
    document = await store.read()
    assert document is not None
    before = document.route(name)
    await _change(platform, store, msgspec.structs.replace(before, share_bp=10_000, writes=None))
    try:
        yield
    finally:
        await _change(platform, store, before)


async def _change(platform: Platform, store: RouteStore, route: Route) -> None:
    document = await store.read()
    assert document is not None
    routes = tuple(route if other.name == route.name else other for other in document.routes)
    await store.replace(msgspec.structs.replace(document, version=document.version + 1, routes=routes))

    def is_live() -> bool:
        agent = httpx.get(f"{platform.url(8012)}/readyz", timeout=5, trust_env=False).json()
        return bool(agent["version"] == document.version + 1 and agent["is_live"])

    await eventually(is_live, deadline_s=20, message=f"route {route.name} has moved")


def order(platform: Platform, order_id: str) -> None:
    """Create an order that waits for its payment."""
    body = {"id": order_id, "customer_id": CUSTOMER, "items": [{"product_id": "prod_0012", "quantity": 1}]}
    headers = platform.staff("operator") | {"idempotency-key": order_id}
    made = httpx.post(f"{platform.edge}/api/orders", json=body, headers=headers, timeout=10, trust_env=False)
    assert made.status_code == 201, made.text


def pay(platform: Platform, order_id: str, key: str) -> Any:
    headers = platform.customer(CUSTOMER) | {"idempotency-key": key}
    return platform.graphql("web", {"query": PAY, "variables": {"order": order_id}}, headers)


async def test_the_same_key_is_the_same_charge_on_both_sides(platform: Platform, redis: Redis):
    order_id, key = f"ord_moving_{uuid.uuid4().hex[:8]}", str(uuid.uuid4())
    order(platform, order_id)
    before = platform.rest_calls()
    first = pay(platform, order_id, key).data["createPayment"]
    assert first["__typename"] == "PaymentCreated"
    async with moved(platform, redis, "payments"):
        async for record in redis.scan_iter("idem:*"):
            await redis.delete(record)
        again = pay(platform, order_id, key)
        assert again.data["createPayment"] == first
        called = {call for call, count in platform.rest_calls().items() if count > before.get(call, 0)}
        payments = platform.get(f"/api/payments?order_ids={order_id}", platform.staff("operator")).body["items"]
    assert {("legacy", "POST", "/api/payments"), ("payments", "POST", "/api/payments")} <= called
    assert [payment["id"] for payment in payments] == [first["payment"]["id"]]
