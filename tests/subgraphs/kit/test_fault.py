"""Faults, on an app of three lines; and their absence in production."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from subgraphs.kit.fault import Faults, FaultsInProduction, hits
from subgraphs.kit.settings import Settings

DEVELOPMENT = Settings(environment="development")


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse({"items": [1, 2]})(scope, receive, send)


@asynccontextmanager
async def a_service() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Faults(app, settings=DEVELOPMENT))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client


def test_a_share_is_spread_evenly_and_exactly() -> None:
    assert [hits(number, 0.5) for number in range(1, 7)] == [False, True] * 3
    assert sum(hits(number, 0.2) for number in range(1, 1001)) == 200
    assert all(hits(number, 1.0) for number in range(1, 10))
    assert not any(hits(number, 0.0) for number in range(1, 10))


async def test_a_service_fails_with_the_status_until_the_fault_ends() -> None:
    async with a_service() as client:
        await client.put("/__fault", json={"status": 503})
        broken = await client.get("/api/orders")
        assert (broken.status_code, broken.json()["status"]) == (503, 503)
        assert broken.headers["content-type"] == "application/problem+json"
        assert (await client.get("/healthz")).status_code == 200
        await client.delete("/__fault")
        assert (await client.get("/api/orders")).json() == {"items": [1, 2]}


async def test_only_the_share_is_hit() -> None:
    async with a_service() as client:
        await client.put("/__fault", json={"status": 500, "share": 0.5})
        assert [(await client.get("/api/orders")).status_code for _ in range(4)] == [200, 500, 200, 500]


async def test_a_fault_holds_below_its_prefix_and_the_longest_wins() -> None:
    async with a_service() as client:
        await client.put("/__fault", json={"prefix": "/api/orders", "status": 503})
        await client.put("/__fault", json={"prefix": "/api", "status": 500})
        statuses = [(await client.get(path)).status_code for path in ("/api/orders", "/api/orders/1", "/api/ordersX")]
        assert statuses == [503, 503, 500]
        await client.delete("/__fault", params={"prefix": "/api"})
        assert [(await client.get(path)).status_code for path in ("/api/orders", "/api/products")] == [503, 200]


async def test_a_fault_may_be_of_one_operation_alone() -> None:
    async with a_service() as client:
        await client.put("/__fault", json={"prefix": "/api/orders", "method": "POST", "suffix": "", "status": 500})
        await client.put("/__fault", json={"prefix": "/api/orders", "suffix": "/confirm", "status": 503})
        statuses = [
            (await client.request(method, path)).status_code
            for method, path in (("POST", "/api/orders"), ("POST", "/api/orders/1/confirm"), ("GET", "/api/orders"))
        ]
        assert statuses == [500, 503, 200]
        assert [fault["seen"] for fault in (await client.get("/__fault")).json()] == [1, 1]
        await client.delete("/__fault", params={"prefix": "/api/orders"})
        assert (await client.post("/api/orders")).status_code == 200


async def test_a_patch_changes_the_response_and_its_length() -> None:
    async with a_service() as client:
        await client.put("/__fault", json={"patch": [{"op": "replace", "path": "/items", "value": None}]})
        assert (await client.get("/api/orders")).json() == {"items": None}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/other"},
        {"op": "add", "path": "/items/9", "value": 1},
        {"op": "add", "path": "/items/0/deeper", "value": 1},
        {"op": "test", "path": "/items", "value": "other"},
    ],
)
async def test_a_patch_that_does_not_fit_changes_nothing(operation: dict[str, Any]) -> None:
    async with a_service() as client:
        assert (await client.put("/__fault", json={"patch": [operation]})).status_code == 200
        assert (await client.get("/api/orders")).json() == {"items": [1, 2]}


@pytest.mark.parametrize("operation", [{"op": "grow", "path": "/items"}, {"op": "remove"}, {"op": "test", "path": "x"}])
async def test_what_is_no_json_patch_is_refused_by_name(operation: dict[str, Any]) -> None:
    async with a_service() as client:
        refused = await client.put("/__fault", json={"patch": [operation]})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "patch")


async def test_a_dropped_connection_is_no_response_at_all() -> None:
    async with a_service() as client:
        await client.put("/__fault", json={"drop": True})
        with pytest.raises(ConnectionResetError):
            await client.get("/api/orders")


async def test_an_unknown_fault_is_refused_by_name() -> None:
    async with a_service() as client:
        refused = await client.put("/__fault", json={"latency": 5, "share": 2})
        assert refused.status_code == 422
        assert {error["field"] for error in refused.json()["errors"]} == {"latency", "share"}


def test_making_faults_in_production_is_a_start_up_error() -> None:
    with pytest.raises(FaultsInProduction):
        Faults(app, settings=Settings(environment="production"))


def test_production_is_the_default() -> None:
    assert Settings.model_fields["environment"].default == "production"
