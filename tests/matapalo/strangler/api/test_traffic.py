"""Metrics and findings over HTTP, on a real Redis."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from matapalo.strangler.shadow.findings import Sample
from matapalo.strangler.store.routes import connect
from tests.harness.tokens import bearer
from tests.matapalo.strangler.builders import a_document, a_route
from tests.matapalo.strangler.harness import Harness

pytestmark = pytest.mark.stack


@pytest_asyncio.fixture
async def harness(valkey_url: str) -> AsyncIterator[Harness]:
    redis = connect(valkey_url)
    if keys := [key async for key in redis.scan_iter(match="gateway:*", count=1_000)]:
        await redis.delete(*keys)
    yield Harness(a_document(1, a_route(shadow_bp=10_000)), redis)
    await redis.aclose()


@pytest_asyncio.fixture
async def http(harness: Harness) -> AsyncIterator[httpx.AsyncClient]:
    async with harness.client(bearer("op_1", role="operator")) as http:
        yield http


async def test_both_sides_are_shown_with_a_verdict(harness: Harness, http: httpx.AsyncClient) -> None:
    await harness.slices.add({"traffic:orders": {"n:ok": 80, "n:err": 20, "n:24": 100, "l:ok": 300, "l:20": 300}})
    body = (await http.get("/routes/orders/traffic", params={"minutes": 10})).json()
    assert body["window"]["new"] == {
        "requests": 100,
        "failed": 20,
        "per_second": 0.167,
        "error_share": 0.2,
        "p50_ms": 24.5,
        "p95_ms": 24.9,
        "p99_ms": 25.0,
    }
    assert body["verdict"]["outcome"] == "FAIL"
    assert body["verdict"]["because"] == "new failed 20 of 100 (20.00%), the ceiling is 5.00%"
    assert {check["name"]: check["outcome"] for check in body["verdict"]["checks"]} == {
        "ceiling": "FAIL",
        "consistency": "HOLD",
    }


async def test_a_route_over_time(harness: Harness, http: httpx.AsyncClient) -> None:
    await harness.slices.add({"traffic:orders": {"n:ok": 80}})
    windows = (await http.get("/routes/orders/traffic/series", params={"minutes": 60})).json()["windows"]
    assert len(windows) <= 120
    assert sum(window["new"]["requests"] for window in windows) == 80
    assert windows[0]["new"]["p50_ms"] is None


async def test_differences_are_shown_ignored_and_forgotten(harness: Harness, http: httpx.AsyncClient) -> None:
    await harness.services.findings.add(
        "orders", {"compared": 200, "beyond": 20, "raw|$.total": 20, "kind|value|$.total": 20}
    )
    sample = Sample(at=harness.clock.now(), request="GET /api/orders", legacy={"total": 5}, new={"total": 6})
    await harness.services.findings.add_sample("orders", ["$.total"], sample)
    differences = (await http.get("/routes/orders/differences")).json()
    assert (differences["compared"], differences["same_share"]) == (200, 0.9)
    (field,) = differences["fields"]
    assert (field["path"], field["raw"], field["noise"], field["standing"]) == ("$.total", 20, 0, "different")
    assert (field["kinds"], field["samples"][0]["new"]) == (["value"], {"total": 6})

    body = {"path": "$.total", "why": "agreed with finance"}
    assert (await http.post("/routes/orders/differences/ignored", json=body)).status_code == 201
    differences = (await http.get("/routes/orders/differences")).json()
    assert differences["fields"][0]["standing"] == "ignored"
    assert [(entry["by"], entry["why"]) for entry in differences["ignored"]] == [("op_1", "agreed with finance")]

    restored = await http.delete("/routes/orders/differences/ignored", params={"path": "$.total"})
    again = await http.delete("/routes/orders/differences/ignored", params={"path": "$.total"})
    assert (restored.status_code, again.status_code) == (204, 404)
    assert (await http.delete("/routes/orders/differences")).status_code == 204
    assert (await http.get("/routes/orders/differences")).json()["compared"] == 0


async def test_an_unknown_route_and_a_customer_are_refused(harness: Harness, http: httpx.AsyncClient) -> None:
    assert (await http.get("/routes/odrers/traffic")).status_code == 404
    response = await http.get("/routes/orders/traffic", headers=bearer(role="customer"))
    assert response.status_code == 403
