"""A device reads shipments and acknowledges deliveries by the ids of persisted operations, in a few hundred bytes."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest_asyncio

from matapalo.app import Bff
from matapalo.operations.manifest import read
from tests.harness.asgi import Response, post, request
from tests.harness.shop import SHOP, bff_of
from tests.harness.tokens import bearer

IDS = {entry.name: entry.id for entry in read(SHOP.clients["iot"].manifest)}
SHIPMENT = {
    "id": "ship_1",
    "order_id": "ord_1",
    "customer_id": "cust_0001",
    "carrier": "Posta",
    "tracking_number": "LG1",
    "tracking_url": "https://track.example.com/LG1",
    "status": "IN_TRANSIT",
    "shipped_at": "2026-01-02T03:04:05Z",
}


def shipping(call: httpx.Request) -> httpx.Response:
    """The shipping service, which has one parcel."""
    if call.method == "POST":
        return httpx.Response(200, json={**SHIPMENT, "status": "DELIVERED"})
    mine = call.url.params.get("order_ids", "ord_1") == "ord_1"
    return httpx.Response(200, json={"items": [SHIPMENT] if mine else [], "next_cursor": None})


@pytest_asyncio.fixture
async def harness(tmp_path: Path) -> AsyncIterator[Bff]:
    async with bff_of("iot", tmp_path, httpx.MockTransport(shipping)) as bff:
        yield bff


async def get(bff: Bff, operation: str, variables: str = "{}") -> Response:
    """A read of a device: a GET that can be cached."""
    query = f"documentId=sha256:{IDS[operation]}&variables={quote(variables)}"
    return await request(bff, "GET", query_string=query, headers={"accept": "application/json", **bearer()})


async def test_shipments_are_read_over_get(harness: Bff) -> None:
    response = await get(harness, "Shipments")
    assert response.json()["data"] == {"shipments": [{"orderId": "ord_1", "status": "IN_TRANSIT"}]}
    assert len(response.body) < 300
    shipment = await get(harness, "Shipment", '{"orderId": "ord_1"}')
    assert shipment.json()["data"] == {"shipment": {"id": "ship_1", "status": "IN_TRANSIT"}}


async def acknowledge(bff: Bff, order_id: str) -> Any:
    payload = {"documentId": f"sha256:{IDS['AcknowledgeDelivery']}", "variables": {"orderId": order_id}}
    response = await post(bff, payload, idempotency_key=f"delivery-{order_id}", **bearer())
    return response.json()["data"]["acknowledgeDelivery"]


async def test_a_delivery_is_acknowledged(harness: Bff) -> None:
    assert await acknowledge(harness, "ord_1") == {"shipment": {"status": "DELIVERED"}}


async def test_what_was_not_shipped_cannot_be_acknowledged(harness: Bff) -> None:
    assert await acknowledge(harness, "ord_2") == {"orderId": "ord_2"}


async def test_no_text_is_run_not_even_a_registered_one(harness: Bff) -> None:
    registered = (SHOP.clients["iot"].operations / "Shipments.graphql").read_text()
    for text in ("{ __typename }", registered):
        response = await post(harness, {"query": text}, **bearer())
        assert response.code() == "OPERATION_NOT_ALLOWED"


async def test_there_is_no_page_to_explore(harness: Bff) -> None:
    response = await request(harness, "GET", headers={"accept": "text/html"})
    assert b"graphiql" not in response.body


async def test_its_limits_are_its_own(harness: Bff) -> None:
    response = await get(harness, "Shipments")
    assert response.headers["ratelimit-policy"].startswith('"minute";q=60')
