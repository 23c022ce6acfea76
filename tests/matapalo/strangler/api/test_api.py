"""The admin API: the table, its changes, the three moves, decommission."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.hits import Hits, LegacyCaller
from matapalo.strangler.routing.route import Audience, Side
from tests.harness.tokens import bearer
from tests.matapalo.strangler.builders import a_route
from tests.matapalo.strangler.harness import Harness

OPERATOR = bearer("op_1", role="operator")
ROUTE = a_route(share_bp=2_500, writes=Side.LEGACY, audience=Audience.OWNER)


class Client:
    """An operator with the admin API, and the control plane behind it."""

    def __init__(self, harness: Harness, http: httpx.AsyncClient) -> None:
        self.harness = harness
        self.http = http

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        named = OPERATOR | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.request(method, path, json=body, headers=named)

    def share_bp(self) -> int:
        assert self.harness.store.document is not None
        return self.harness.store.document.route("orders").share_bp


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    harness = Harness(RoutesDocument(7, (ROUTE, a_route("customers", seed=3))))
    harness.report_node()
    await harness.hits.begin(harness.clock.now() - timedelta(days=30))
    async with harness.client() as http:
        yield Client(harness, http)


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


async def test_an_operator_sees_the_table_and_its_version(client: Client) -> None:
    response = await client.ask("GET", "/routes")
    assert (response.json()["version"], response.json()["routes"][0]) == (7, VIEW)
    assert response.headers["etag"] == '"7"'


async def test_an_operator_sees_one_route_and_its_etag(client: Client) -> None:
    response = await client.ask("GET", "/routes/orders")
    assert (response.status_code, response.json(), response.headers["etag"]) == (200, VIEW, '"1"')


async def test_the_table_is_printed_as_the_file_it_could_come_from(client: Client) -> None:
    text = (await client.ask("GET", "/routes.toml")).text
    assert text.startswith('[orders]\nprefix = "/api/orders"\nnew = "orders"\nshare_bp = 2500\nseed = 2\n')


async def test_an_unknown_route_is_404_and_names_those_that_exist(client: Client) -> None:
    response = await client.ask("GET", "/routes/odrers")
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
async def test_only_an_operator_sees_or_changes_anything(client: Client, method: str, path: str) -> None:
    body = {"path": "/api/orders", "percentage": 1} if method == "POST" else None
    anonymous = await client.http.request(method, path, json=body)
    assert (anonymous.status_code, anonymous.headers["www-authenticate"]) == (401, "Bearer")
    assert anonymous.json()["type"] == "/problems/unauthenticated"
    for role in ("customer", "warehouse", "service"):
        response = await client.http.request(method, path, json=body, headers=bearer(role=role))
        assert (response.status_code, response.json()["type"]) == (403, "/problems/forbidden")
    assert client.share_bp() == 2_500


async def test_a_change_answers_with_what_differs_and_the_next_etag(client: Client) -> None:
    body = {"share_bp": 4_000, "why": "a quiet week", "evidence": {"p": 0.3}}
    response = await client.ask("PATCH", "/routes/orders", body, if_match='"1"')
    assert (response.status_code, response.headers["etag"]) == (200, '"8"')
    change = response.json()
    assert change["changes"] == {"share_bp": [2_500, 4_000]}
    assert (change["by"], change["why"], change["evidence"]) == ("op_1", "a quiet week", {"p": 0.3})
    assert (change["version"], change["action"], change["restores"]) == (8, "set", None)
    assert client.share_bp() == 4_000


@pytest.mark.parametrize(
    ("headers", "status", "slug"),
    [
        ({}, 428, "precondition-required"),
        ({"if_match": '"2"'}, 412, "precondition-failed"),
        ({"if_match": "1"}, 412, "precondition-failed"),
    ],
)
async def test_a_change_says_what_it_was_made_from(
    client: Client, headers: dict[str, str], status: int, slug: str
) -> None:
    body = {"share_bp": 4_000, "why": "a test"}
    for method, path in (("PATCH", "/routes/orders"), ("POST", "/routes/orders/rollback")):
        sent = body if method == "PATCH" else {"why": "a test"}
        response = await client.ask(method, path, sent, **headers)
        assert (response.status_code, response.json()["type"]) == (status, f"/problems/{slug}")
    assert client.share_bp() == 2_500


async def test_any_revision_may_be_changed_with_a_star(client: Client) -> None:
    response = await client.ask("PATCH", "/routes/orders", {"share_bp": 1, "why": "a test"}, if_match="*")
    assert response.status_code == 200


async def test_a_write_split_is_refused_with_the_reason_and_the_remedy(client: Client) -> None:
    response = await client.ask("PATCH", "/routes/orders", {"writes": None, "why": "a test"}, if_match="*")
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
async def test_a_body_that_is_none_is_422(client: Client, body: dict[str, Any]) -> None:
    response = await client.ask("PATCH", "/routes/orders", body, if_match="*")
    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-parameter")


async def test_a_rollback_restores_what_was_before(client: Client) -> None:
    changed = await client.ask("PATCH", "/routes/orders", {"share_bp": 4_000, "why": "up"}, if_match="*")
    response = await client.ask(
        "POST", "/routes/orders/rollback", {"why": "complaints"}, if_match=changed.headers["etag"]
    )
    assert (response.status_code, response.json()["changes"]) == (200, {"share_bp": [4_000, 2_500]})
    history = (await client.ask("GET", "/routes/orders/history")).json()["changes"]
    assert [(entry["version"], entry["action"], entry["why"]) for entry in history] == [
        (9, "rollback", "complaints"),
        (8, "set", "up"),
    ]
    assert (await client.ask("GET", "/history?limit=1")).json()["changes"] == history[:1]


async def test_the_three_moves_take_a_path_and_need_nothing_else(client: Client) -> None:
    path = {"path": "/api/orders"}
    rollout = await client.ask("POST", "/strangler/rollout", path | {"percentage": 12.34})
    assert (rollout.status_code, client.share_bp()) == (200, 1_234)
    assert rollout.json()["why"] == "12.34 % by POST /admin/strangler/rollout"
    complete = await client.ask("POST", "/strangler/complete", path | {"why": "all is well"})
    assert complete.json()["changes"] == {
        "share_bp": [1_234, 10_000],
        "writes": ["legacy", "new"],
        "fallback": [True, False],
    }
    await client.ask("POST", "/strangler/rollback", path)
    assert client.share_bp() == 1_234
    stale = await client.ask("POST", "/strangler/rollout", path | {"percentage": 50}, if_match='"8"')
    assert (stale.status_code, client.share_bp()) == (412, 1_234)


@pytest.mark.parametrize("percentage", [-1, 100.5, 12.345, 0.00001, "many", None])
async def test_a_percentage_is_from_0_to_100_in_steps_of_001(client: Client, percentage: object) -> None:
    response = await client.ask("POST", "/strangler/rollout", {"path": "/api/orders", "percentage": percentage})
    assert response.status_code == 422


async def test_it_explains_why_a_user_is_where_they_are(client: Client) -> None:
    response = await client.ask("GET", "/routes/orders/explain?user=cust_0001&method=POST")
    assert (response.json()["side"], response.json()["reason"]) == ("legacy", "method")
    response = await client.ask("GET", "/routes/orders/explain?user=cust_0001")
    assert response.json()["sentence"].endswith("and the share is 25 %")


async def test_it_tells_on_how_many_nodes_a_change_is_live(client: Client) -> None:
    now = client.harness.clock.now()
    client.harness.report_node("edge-2", version=6)
    client.harness.report_node("edge-3", at=now - timedelta(minutes=1))
    client.harness.report_node("edge-4", version=9, at=now - timedelta(days=2))
    nodes = (await client.ask("GET", "/nodes")).json()
    assert (nodes["live"], nodes["nodes"], nodes["highest_applied"]) == (1, 3, 7)
    assert [(node["node"], node["is_live"], node["is_heard"]) for node in nodes["reports"]] == [
        ("edge-1", True, True),
        ("edge-2", False, True),
        ("edge-3", False, False),
    ]
    assert "edge-4" not in client.harness.store.agents, "a day of silence, and it is forgotten"


async def test_the_legacy_side_goes_only_when_it_is_dead(client: Client) -> None:
    refused = await client.ask("POST", "/routes/orders/decommission", {"why": "done"}, if_match="*")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-ready")
    assert [error["message"] for error in refused.json()["errors"]] == [
        "reads: the new side has 25 % of the users",
        "writes go to legacy",
    ]
    await client.ask("POST", "/strangler/complete", {"path": "/api/orders"})
    now_ms = round(client.harness.clock.now().timestamp() * 1000)
    erp = LegacyCaller("erp", "1.2", "curl/8")
    await client.harness.hits.add({"orders": {erp: Hits(3, now_ms, now_ms, writes=1)}})
    report = (await client.ask("GET", "/routes/orders/decommission")).json()
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
    client.harness.clock.advance(8 * 86_400)
    client.harness.report_node()
    applied = await client.ask("POST", "/routes/orders/decommission", {"why": "done"}, if_match="*")
    assert (applied.status_code, applied.json()["action"]) == (200, "retire")
    assert applied.json()["changes"] == {"retired": [False, True]}
    assert applied.json()["evidence"]["last_hit"] == "2026-03-01T12:00:00+00:00"


async def test_without_redis_reads_and_writes_are_503_and_say_so(client: Client) -> None:
    client.harness.store.is_down = True
    for method, path, body in (
        ("GET", "/routes", None),
        ("PATCH", "/routes/orders", {"share_bp": 1, "why": "a test"}),
        ("POST", "/strangler/complete", {"path": "/api/orders"}),
    ):
        response = await client.ask(method, path, body, if_match="*")
        assert (response.status_code, response.json()["type"]) == (503, "/problems/service-unavailable")
        assert response.json()["detail"].startswith("Redis does not answer")


async def test_an_empty_store_is_503_and_says_who_fills_it(client: Client) -> None:
    client.harness.store.document = None
    response = await client.ask("GET", "/routes")
    assert response.status_code == 503
    assert "an agent brings them" in response.json()["detail"]


async def test_an_unknown_path_is_a_problem_too(client: Client) -> None:
    response = await client.http.get("/consoles")
    assert response.json() == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is nothing at /admin/consoles.",
    }
    response = await client.ask("DELETE", "/routes")
    assert (response.status_code, response.json()["type"]) == (405, "/problems/method-not-allowed")
