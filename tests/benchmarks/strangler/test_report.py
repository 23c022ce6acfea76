"""`benchmarks.strangler`: its proxy decides as Envoy does, and the report says whether the goals hold."""

import httpx
import pytest

from benchmarks.contestants.proxy.__main__ import SEED, SHARE_BP, USERS, create_app
from benchmarks.strangler.gateway import routes
from benchmarks.strangler.report import is_met, text
from matapalo.strangler.routing.decide import Request, decide
from matapalo.strangler.routing.route import Side
from matapalo.strangler.routing.validate import validated
from tests.matapalo.strangler.builders import a_route

FIGURES = {
    "hop": [
        {"name": "Envoy", "rps": 8387.0, "cpu_us": 100.0, "p50_us": 1, "p99_us": 2},
        {"name": "FastAPI + httpx", "rps": 428.0, "cpu_us": 2000.0, "p50_us": 3, "p99_us": 4},
    ],
    "hop_cpu_ratio": 1 / 20,
    "change_ms": {"7 routes": {"p50": 22.1, "p99": 29.5, "max": 30.5}},
    "flips": {"changes": 100, "requests": 45_966, "fault": None},
    "scale": {"whole_table_s": 1.89, "one_route_s": 0.78, "rss_before_mb": 73, "rss_mb": 221},
}


def test_the_tables_are_valid_at_every_size():
    for count, users in ((7, 20), (500, 50)):
        table = routes(count, users=users)
        assert len(validated(table, upstreams=("legacy", "orders"))) == count


def test_the_report_says_whether_the_goals_hold():
    said = text(FIGURES)
    assert "Envoy needs 1/20 of the proxy's CPU per request (goal: 1/15)." in said
    assert "100 changes under load: 45966 requests, 0 failed." in said
    assert is_met(FIGURES)
    assert not is_met(FIGURES | {"hop_cpu_ratio": 1 / 10})
    assert not is_met(FIGURES | {"flips": {"changes": 100, "requests": 3, "fault": "status 503"}})


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_other_proxy_decides_as_a_route_does(method):
    async def upstream(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    route = a_route(seed=SEED, share_bp=SHARE_BP, writes=Side.LEGACY, users=tuple(USERS))
    app = create_app("http://upstream", transport=httpx.ASGITransport(upstream))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://proxy") as http:
        for user in (*sorted(USERS)[:3], *(f"cust_{number:04}" for number in range(1, 41))):
            response = await http.request(method, "/api/orders/1?x=1", headers={"x-user-id": user})
            assert response.headers["x-strangler-target"] == decide(route, Request(method, user)).side
