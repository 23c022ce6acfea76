"""The committed operations over the real services and the real monolith: models decode, both sides answer alike.

Also holds `tests.harness.upstream.FakeUpstream` to the shape of what the services answer.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from strawberry.federation import Schema

from bff.mobile.schema import build_schema as build_mobile
from matapalo.process.clock import SystemClock
from matapalo.rest.client import service_of
from matapalo.rest.pool import RestPool, unobserved
from matapalo.rest.pyreqwest_transport import PyreqwestTransport
from matapalo.rest.transport import RestRequest, RestResponse, Transport
from tests.harness.in_memory_bff import CUSTOMER, OPERATOR, make_context, operation
from tests.harness.subgraphs import Rest
from tests.harness.upstream import FakeUpstream

pytestmark = pytest.mark.stack

OPERATIONS = [
    ("web", "Dashboard", {}),
    ("web", "OrderHistory", {"first": 3, "status": "DELIVERED"}),
    ("web", "OrdersWithCustomers", {"first": 30}),
    ("web", "ProductSearch", {"first": 5, "category": "Kitchen"}),
    ("web", "Profile", {}),
    ("mobile", "Home", {}),
    ("mobile", "Products", {"first": 3}),
]


class RoutedByService:
    """The gateway in three lines: each call goes to the server of its service."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._transports = {name: PyreqwestTransport(url) for name, url in urls.items()}

    async def send(self, call: RestRequest) -> RestResponse:
        return await self._transports[service_of(call.target.partition("?")[0])].send(call)

    async def aclose(self) -> None:
        for transport in self._transports.values():
            await transport.aclose()


@pytest.fixture
async def sides(rest: Rest) -> AsyncIterator[dict[str, RestPool]]:
    """The monolith for everything, and each service for its own."""
    transports: dict[str, Transport] = {
        "legacy": PyreqwestTransport(rest.urls["legacy"]),
        "new": RoutedByService(rest.urls),
    }
    pools = {
        name: RestPool(transport, SystemClock(), max_batch_ids=200, observe=unobserved)
        for name, transport in transports.items()
    }
    yield pools
    for pool in pools.values():
        await pool.aclose()


@pytest.mark.parametrize(("client", "name", "variables"), OPERATIONS, ids=[f"{c}/{n}" for c, n, _ in OPERATIONS])
async def test_both_sides_give_the_same_data_without_errors(schema: Schema, sides, client, name, variables):
    client_schema = schema if client == "web" else build_mobile()
    viewer = OPERATOR if name == "OrdersWithCustomers" else CUSTOMER
    data = {}
    for side, pool in sides.items():
        context = make_context(pool, viewer, deadline_in_s=20.0)
        result = await client_schema.execute(operation(client, name), dict(variables), context_value=context)
        assert result.errors is None, side
        data[side] = result.data
    assert data["new"] == data["legacy"]
    assert data["new"]


async def test_pages_of_the_real_list_follow_each_other(schema: Schema, sides):
    seen: list[str] = []
    after: str | None = None
    for _ in range(3):
        context = make_context(sides["new"], deadline_in_s=20.0)
        variables = {"first": 4, "after": after}
        result = await schema.execute(operation("web", "OrderHistory"), variables, context_value=context)
        assert result.errors is None
        page = result.data["orders"]  # type: ignore[index]
        seen += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert len(seen) == len(set(seen))
    assert len(seen) > 4


def shape(value: Any) -> Any:
    """Names and JSON types, of lists the first item; what may be null counts as anything."""
    if isinstance(value, dict):
        return {name: shape(child) for name, child in value.items() if child is not None}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def differences(fake: Any, real: Any, at: str = "") -> list[str]:
    """Where two shapes contradict each other. A name that only one of them has is null in the other."""
    if isinstance(fake, dict) and isinstance(real, dict):
        return [d for name in fake.keys() & real.keys() for d in differences(fake[name], real[name], f"{at}.{name}")]
    if isinstance(fake, list) and isinstance(real, list):
        return differences(fake[0], real[0], f"{at}[]") if fake and real else []
    return [] if fake == real else [f"{at}: {fake} instead of {real}"]


def names(value: Any) -> set[str]:
    """Every member name anywhere in a JSON document."""
    if isinstance(value, dict):
        return set(value).union(*(names(child) for child in value.values()))
    return set().union(*(names(child) for child in value)) if isinstance(value, list) else set()


@pytest.mark.parametrize(
    "target",
    [
        "/api/customers?ids=cust_0001",
        "/api/orders?customer_id=cust_0001&limit=5",
        "/api/orders/by-customer?customer_ids=cust_0001&limit=2",
        "/api/orders/summary?customer_id=cust_0001",
        "/api/products?limit=10",
        "/api/payments?customer_id=cust_0001&limit=5",
        "/api/inventory?ids=prod_0001",
        "/api/shipping?customer_id=cust_0001&limit=5",
        "/api/recommendations?limit=5",
    ],
)
async def test_the_fake_upstream_has_the_shape_of_the_services(rest: Rest, target):
    service = service_of(target.partition("?")[0])
    real = rest.request(service, "GET", target, role="customer", user="cust_0001").json()
    async with httpx.AsyncClient(transport=FakeUpstream(), base_url="http://fake") as client:
        response = await client.get(target, headers={"x-role": "customer", "x-user-id": "cust_0001"})
    fake = response.json()
    assert names(fake) == names(real)
    assert differences(shape(fake), shape(real)) == []
