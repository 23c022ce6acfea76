"""The control plane over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from matapalo.auth.verifier import FileKeys, TokenVerifier
from matapalo.process.clock import SystemClock
from matapalo.strangler.api import problems
from matapalo.strangler.api.operators import operators_only
from matapalo.strangler.api.router import admin_api
from matapalo.strangler.api.routes import nodes_now
from matapalo.strangler.decommission.evidence import Decommission
from matapalo.strangler.routing.hits import Hits, LegacyCaller
from matapalo.strangler.routing.route import Audience, Side
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.store.routes import NodeReport
from tests.harness.tokens import ISSUER, bearer
from tests.matapalo.strangler.builders import KEYS, a_document, a_route
from tests.matapalo.strangler.fakes import FakeRouteStore

OPERATOR = bearer("op_1", role="operator")
ROUTE = a_route(share_bp=2_500, writes=Side.LEGACY, audience=Audience.OWNER)
CLOCK = SystemClock()
QUIET = timedelta(days=7)


class FakeHits:
    """Hits in memory; counting began long ago."""

    def __init__(self) -> None:
        self.hits: dict[str, dict[LegacyCaller, Hits]] = {}

    async def since(self) -> datetime | None:
        return datetime(2020, 1, 1, tzinfo=UTC)

    async def of(self, route: str) -> dict[LegacyCaller, Hits]:
        return self.hits.get(route, {})


@dataclass
class Scene:
    store: FakeRouteStore
    http: httpx.AsyncClient
    hits: FakeHits = field(default_factory=FakeHits)

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """As an operator."""
        sent = OPERATOR | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.request(method, f"/admin{path}", json=body, headers=sent)

    def share_bp(self) -> int:
        assert self.store.document is not None
        return self.store.document.route("orders").share_bp


@pytest_asyncio.fixture
async def scene() -> AsyncIterator[Scene]:
    store = FakeRouteStore(a_document(7, ROUTE, a_route("customers", seed=3)))
    store.agents["edge-1"] = NodeReport(node="edge-1", version=7, is_live=True, reads_log=True, at=CLOCK.now())
    operator = operators_only(TokenVerifier(FileKeys(KEYS.jwks), issuer=ISSUER, clock=CLOCK))
    changes = Changes(store, upstreams=("legacy", "orders", "customers"), clock=CLOCK)
    hits = FakeHits()

    async def nothing_compared(route: str) -> None:
        return None

    decommission = Decommission(
        changes,
        hits,
        nodes=partial(nodes_now, changes, store, CLOCK),
        difference_rate=nothing_compared,
        quiet=QUIET,
        clock=CLOCK,
    )
    app = FastAPI()
    problems.install(app)
    app.include_router(admin_api(changes, store, decommission, operator, CLOCK))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://control") as http:
        yield Scene(store, http, hits)


VIEW = {
    "name": "orders",
    "prefix": "/api/orders",
    "new": "orders",
    "legacy": "legacy",
    "share_bp": 2_500,
    "seed": 2,
    "writes": "legacy",
    "canary": [],
    "cohorts": [],
    "users": [],
    "audience": "owner",
    "timeout_ms": 5_000,
    "retries": 1,
    "fallback": True,
    "shadow_bp": 0,
    "retired": False,
    "revision": 1,
}


async def test_an_operator_sees_the_table_and_its_version(scene: Scene) -> None:
    response = await scene.ask("GET", "/routes")
    assert (response.json()["version"], response.json()["routes"][0]) == (7, VIEW)
    assert response.headers["etag"] == '"7"'


async def test_an_operator_sees_one_route_and_its_etag(scene: Scene) -> None:
    response = await scene.ask("GET", "/routes/orders")
    assert (response.status_code, response.json(), response.headers["etag"]) == (200, VIEW, '"1"')


async def test_the_table_is_printed_as_the_file_it_could_come_from(scene: Scene) -> None:
    text = (await scene.ask("GET", "/routes.toml")).text
    assert text.startswith('[orders]\nprefix = "/api/orders"\nnew = "orders"\nshare_bp = 2500\nseed = 2\n')


async def test_an_unknown_route_is_404_and_names_those_that_exist(scene: Scene) -> None:
    response = await scene.ask("GET", "/routes/odrers")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "there is no route 'odrers': the routes are orders, customers",
    }


GETS = ["/routes", "/routes/orders", "/routes/orders/history", "/routes/orders/explain", "/history", "/nodes"]
GETS += ["/decommission", "/routes/orders/decommission", "/routes.toml"]
POSTS = ["/strangler/rollout", "/strangler/complete", "/strangler/rollback", "/routes/orders/complete"]
POSTS += ["/routes/orders/rollback", "/routes/orders/decommission"]


@pytest.mark.parametrize(("method", "path"), [*(("GET", path) for path in GETS), *(("POST", path) for path in POSTS)])
async def test_nobody_but_an_operator_sees_or_changes_anything(scene: Scene, method: str, path: str) -> None:
    body = {"path": "/api/orders", "percentage": 1} if method == "POST" else None
    nobody = await scene.http.request(method, f"/admin{path}", json=body)
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
    assert nobody.json()["type"] == "/problems/unauthenticated"
    for role in ("customer", "warehouse", "service"):
        response = await scene.http.request(method, f"/admin{path}", json=body, headers=bearer(role=role))
        assert (response.status_code, response.json()["type"]) == (403, "/problems/forbidden")
    assert scene.share_bp() == 2_500


async def test_a_change_answers_with_what_differs_and_the_next_etag(scene: Scene) -> None:
    body = {"share_bp": 4_000, "why": "a quiet week", "evidence": {"p": 0.3}}
    response = await scene.ask("PATCH", "/routes/orders", body, if_match='"1"')
    assert (response.status_code, response.headers["etag"]) == (200, '"8"')
    change = response.json()
    assert change["changes"] == {"share_bp": [2_500, 4_000]}
    assert (change["by"], change["why"], change["evidence"]) == ("op_1", "a quiet week", {"p": 0.3})
    assert (change["version"], change["action"], change["restores"]) == (8, "set", None)
    assert scene.share_bp() == 4_000


@pytest.mark.parametrize(
    ("headers", "status", "slug"),
    [
        ({}, 428, "precondition-required"),
        ({"if_match": '"2"'}, 412, "precondition-failed"),
        ({"if_match": "1"}, 412, "precondition-failed"),
    ],
)
async def test_a_change_says_what_it_was_made_from(
    scene: Scene, headers: dict[str, str], status: int, slug: str
) -> None:
    body = {"share_bp": 4_000, "why": "a test"}
    for method, path in (("PATCH", "/routes/orders"), ("POST", "/routes/orders/rollback")):
        sent = body if method == "PATCH" else {"why": "a test"}
        response = await scene.ask(method, path, sent, **headers)
        assert (response.status_code, response.json()["type"]) == (status, f"/problems/{slug}")
    assert scene.share_bp() == 2_500


async def test_whatever_it_is_now_may_be_changed_with_a_star(scene: Scene) -> None:
    response = await scene.ask("PATCH", "/routes/orders", {"share_bp": 1, "why": "a test"}, if_match="*")
    assert response.status_code == 200


async def test_a_write_split_is_refused_with_the_reason_and_the_remedy(scene: Scene) -> None:
    response = await scene.ask("PATCH", "/routes/orders", {"writes": None, "why": "a test"}, if_match="*")
    sentence = (
        "route 'orders': at 25 % writes would be split between 'orders' and 'legacy', and two writers of one thing "
        'lose updates: set writes = "legacy" or writes = "new"'
    )
    assert response.status_code == 422
    assert response.json() == {
        "type": "/problems/invalid-change",
        "title": "This change breaks rules",
        "status": 422,
        "detail": sentence,
        "errors": [{"message": sentence}],
    }


@pytest.mark.parametrize(
    "body", [{"share_bp": 1}, {"why": ""}, {"why": "x", "seed": 3}, {"why": "x", "writes": "both"}]
)
async def test_a_body_that_is_none_is_422(scene: Scene, body: dict[str, Any]) -> None:
    response = await scene.ask("PATCH", "/routes/orders", body, if_match="*")
    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-parameter")


async def test_a_rollback_restores_what_was_before(scene: Scene) -> None:
    changed = await scene.ask("PATCH", "/routes/orders", {"share_bp": 4_000, "why": "up"}, if_match="*")
    response = await scene.ask(
        "POST", "/routes/orders/rollback", {"why": "complaints"}, if_match=changed.headers["etag"]
    )
    assert (response.status_code, response.json()["changes"]) == (200, {"share_bp": [4_000, 2_500]})
    history = (await scene.ask("GET", "/routes/orders/history")).json()["changes"]
    assert [(entry["version"], entry["action"], entry["why"]) for entry in history] == [
        (9, "rollback", "complaints"),
        (8, "set", "up"),
    ]
    assert (await scene.ask("GET", "/history?limit=1")).json()["changes"] == history[:1]


async def test_the_three_moves_take_a_path_and_need_nothing_else(scene: Scene) -> None:
    path = {"path": "/api/orders"}
    rollout = await scene.ask("POST", "/strangler/rollout", path | {"percentage": 12.34})
    assert (rollout.status_code, scene.share_bp()) == (200, 1_234)
    assert rollout.json()["why"] == "12.34 % by POST /admin/strangler/rollout"
    complete = await scene.ask("POST", "/strangler/complete", path | {"why": "all is well"})
    assert complete.json()["changes"] == {
        "share_bp": [1_234, 10_000],
        "writes": ["legacy", "new"],
        "fallback": [True, False],
    }
    await scene.ask("POST", "/strangler/rollback", path)
    assert scene.share_bp() == 1_234
    stale = await scene.ask("POST", "/strangler/rollout", path | {"percentage": 50}, if_match='"8"')
    assert (stale.status_code, scene.share_bp()) == (412, 1_234)


@pytest.mark.parametrize("percentage", [-1, 100.5, 12.345, 0.00001, "many", None])
async def test_a_percentage_is_from_0_to_100_in_steps_of_001(scene: Scene, percentage: object) -> None:
    response = await scene.ask("POST", "/strangler/rollout", {"path": "/api/orders", "percentage": percentage})
    assert response.status_code == 422


async def test_it_explains_why_a_user_is_where_they_are(scene: Scene) -> None:
    response = await scene.ask("GET", "/routes/orders/explain?user=cust_0001&method=POST")
    assert (response.json()["side"], response.json()["reason"]) == ("legacy", "method")
    response = await scene.ask("GET", "/routes/orders/explain?user=cust_0001")
    assert response.json()["sentence"].endswith("and the share is 25 %")


async def test_it_tells_on_how_many_nodes_a_change_is_live(scene: Scene) -> None:
    now = CLOCK.now()
    scene.store.agents |= {
        "edge-2": NodeReport(node="edge-2", version=6, is_live=True, at=now),
        "edge-3": NodeReport(node="edge-3", version=7, is_live=True, at=now - timedelta(minutes=1)),
        "edge-4": NodeReport(node="edge-4", version=9, is_live=True, at=now - timedelta(days=2)),
    }
    nodes = (await scene.ask("GET", "/nodes")).json()
    assert (nodes["live"], nodes["nodes"], nodes["highest_applied"]) == (1, 3, 7)
    assert [(node["node"], node["is_live"], node["is_heard"]) for node in nodes["reports"]] == [
        ("edge-1", True, True),
        ("edge-2", False, True),
        ("edge-3", False, False),
    ]
    assert "edge-4" not in scene.store.agents, "a day of silence, and it is forgotten"


async def test_the_legacy_side_goes_only_when_nobody_needs_it(scene: Scene) -> None:
    refused = await scene.ask("POST", "/routes/orders/decommission", {"why": "done"}, if_match="*")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-ready")
    assert [error["message"] for error in refused.json()["errors"]] == [
        "reads: the new side has 25 % of the users",
        "writes go to legacy",
    ]
    await scene.ask("POST", "/strangler/complete", {"path": "/api/orders"})
    now_ms = round(CLOCK.now().timestamp() * 1000)
    scene.hits.hits = {"orders": {LegacyCaller("erp", "1.2", "curl/8"): Hits(3, now_ms, now_ms, writes=1)}}
    report = (await scene.ask("GET", "/routes/orders/decommission")).json()
    assert not report["is_ready"]
    assert report["callers"][0] | {"first_seen": 0, "last_seen": 0} == {
        "client": "erp",
        "version": "1.2",
        "user_agent": "curl/8",
        "count": 3,
        "fallbacks": 0,
        "writes": 1,
        "first_seen": 0,
        "last_seen": 0,
        "is_recent": True,
    }
    scene.hits.hits = {}
    applied = await scene.ask("POST", "/routes/orders/decommission", {"why": "done"}, if_match="*")
    assert (applied.status_code, applied.json()["action"]) == (200, "retire")
    assert applied.json()["changes"] == {"retired": [False, True]}
    assert applied.json()["evidence"]["last_hit"] is None


async def test_without_redis_reads_and_writes_are_503_and_say_so(scene: Scene) -> None:
    scene.store.is_down = True
    for method, path, body in (
        ("GET", "/routes", None),
        ("PATCH", "/routes/orders", {"share_bp": 1, "why": "a test"}),
        ("POST", "/strangler/complete", {"path": "/api/orders"}),
    ):
        response = await scene.ask(method, path, body, if_match="*")
        assert (response.status_code, response.json()["type"]) == (503, "/problems/service-unavailable")
        assert response.json()["detail"].startswith("Redis does not answer")


async def test_an_empty_store_is_503_and_says_who_fills_it(scene: Scene) -> None:
    scene.store.document = None
    response = await scene.ask("GET", "/routes")
    assert response.status_code == 503
    assert "an agent brings them" in response.json()["detail"]


async def test_whatever_is_not_there_is_a_problem_too(scene: Scene) -> None:
    response = await scene.http.get("/console")
    assert response.json() == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is nothing at /console.",
    }
    response = await scene.ask("DELETE", "/routes")
    assert (response.status_code, response.json()["type"]) == (405, "/problems/method-not-allowed")
