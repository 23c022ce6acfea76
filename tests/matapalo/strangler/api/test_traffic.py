"""What was watched and compared, over HTTP, on a real Redis."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from redis.asyncio import Redis

from matapalo.auth.verifier import FileKeys, TokenVerifier
from matapalo.process.clock import SystemClock
from matapalo.strangler.api import problems
from matapalo.strangler.api.operators import operators_only
from matapalo.strangler.api.traffic import watched_api
from matapalo.strangler.metrics.reader import compared
from matapalo.strangler.metrics.slices import Slices
from matapalo.strangler.shadow.findings import Findings, Sample
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.store.routes import connect
from tests.harness.clock import FakeClock
from tests.harness.tokens import ISSUER, bearer
from tests.matapalo.strangler.builders import KEYS, a_document, a_route, settings_in
from tests.matapalo.strangler.fakes import FakeRouteStore

pytestmark = pytest.mark.stack


@dataclass
class Scene:
    http: httpx.AsyncClient
    slices: Slices
    findings: Findings
    clock: FakeClock


@pytest_asyncio.fixture
async def scene(valkey_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    clock, redis, settings = FakeClock(), connect(valkey_url), settings_in(tmp_path)
    await _emptied(redis)
    changes = Changes(
        FakeRouteStore(a_document(1, a_route(shadow_bp=10_000))), upstreams=settings.upstreams, clock=clock
    )
    watching, findings = compared(redis, settings, clock)
    app = FastAPI()
    problems.install(app)
    operator = operators_only(TokenVerifier(FileKeys(KEYS.jwks), issuer=ISSUER, clock=SystemClock()))
    app.include_router(watched_api(changes, watching, findings, operator, clock))
    transport, headers = httpx.ASGITransport(app), bearer("op_1", role="operator")
    async with httpx.AsyncClient(transport=transport, base_url="http://c/admin/routes", headers=headers) as http:
        yield Scene(http, Slices(redis, clock=clock, fine_s=settings.metrics_interval_s), findings, clock)
    await redis.aclose()


async def _emptied(redis: Redis) -> None:
    keys = [key async for key in redis.scan_iter(match="gateway:*", count=1_000)]
    if keys:
        await redis.delete(*keys)


async def test_both_sides_are_shown_with_a_verdict(scene: Scene) -> None:
    await scene.slices.add({"traffic:orders": {"n:ok": 80, "n:err": 20, "n:24": 100, "l:ok": 300, "l:20": 300}})
    shown = (await scene.http.get("/orders/traffic", params={"minutes": 10})).json()
    assert shown["window"]["new"] == {
        "requests": 100,
        "failed": 20,
        "per_second": 0.167,
        "error_share": 0.2,
        "p50_ms": 24.5,
        "p95_ms": 24.9,
        "p99_ms": 25.0,
    }
    assert shown["verdict"]["outcome"] == "FAIL"
    assert shown["verdict"]["because"] == "new failed 20 of 100 (20.00%), the ceiling is 5.00%"
    assert {check["name"]: check["outcome"] for check in shown["verdict"]["checks"]} == {
        "ceiling": "FAIL",
        "consistency": "HOLD",
    }


async def test_a_route_over_time(scene: Scene) -> None:
    await scene.slices.add({"traffic:orders": {"n:ok": 80}})
    windows = (await scene.http.get("/orders/traffic/series", params={"minutes": 60})).json()["windows"]
    assert len(windows) <= 120
    assert sum(window["new"]["requests"] for window in windows) == 80
    assert windows[0]["new"]["p50_ms"] is None


async def test_differences_are_shown_with_samples_and_can_be_ignored_and_forgotten(scene: Scene) -> None:
    await scene.findings.add("orders", {"compared": 200, "beyond": 20, "raw|$.total": 20, "kind|value|$.total": 20})
    sample = Sample(at=scene.clock.now(), request="GET /api/orders", legacy={"total": 5}, new={"total": 6})
    await scene.findings.show("orders", ["$.total"], sample)
    shown = (await scene.http.get("/orders/differences")).json()
    assert (shown["compared"], shown["same_share"]) == (200, 0.9)
    (field,) = shown["fields"]
    assert (field["path"], field["raw"], field["noise"], field["standing"]) == ("$.total", 20, 0, "different")
    assert (field["kinds"], field["samples"][0]["new"]) == (["value"], {"total": 6})

    body = {"path": "$.total", "why": "agreed with finance"}
    assert (await scene.http.post("/orders/differences/ignored", json=body)).status_code == 201
    shown = (await scene.http.get("/orders/differences")).json()
    assert shown["fields"][0]["standing"] == "ignored"
    assert [(entry["by"], entry["why"]) for entry in shown["ignored"]] == [("op_1", "agreed with finance")]

    heed = await scene.http.delete("/orders/differences/ignored", params={"path": "$.total"})
    again = await scene.http.delete("/orders/differences/ignored", params={"path": "$.total"})
    assert (heed.status_code, again.status_code) == (204, 404)
    assert (await scene.http.delete("/orders/differences")).status_code == 204
    assert (await scene.http.get("/orders/differences")).json()["compared"] == 0


async def test_an_unknown_route_and_a_customer_are_refused(scene: Scene) -> None:
    assert (await scene.http.get("/odrers/traffic")).status_code == 404
    response = await scene.http.get("/orders/traffic", headers=bearer(role="customer"))
    assert response.status_code == 403
