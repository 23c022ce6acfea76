"""The table, its changes and its history over HTTP."""

from datetime import timedelta
from typing import Any

import pytest

from tests.matapalo.strangler.api.harness import Client

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
    response = await client.send("GET", "/routes")
    assert (response.json()["version"], response.json()["routes"][0]) == (7, VIEW)
    assert response.headers["etag"] == '"7"'


async def test_an_operator_sees_one_route_and_its_etag(client: Client) -> None:
    response = await client.send("GET", "/routes/orders")
    assert (response.status_code, response.json(), response.headers["etag"]) == (200, VIEW, '"1"')


async def test_the_table_is_printed_as_the_file_it_could_come_from(client: Client) -> None:
    text = (await client.send("GET", "/routes.toml")).text
    assert text.startswith('[orders]\nprefix = "/api/orders"\nnew = "orders"\nshare_bp = 2500\nseed = 2\n')


async def test_a_change_responds_with_what_differs_and_the_next_etag(client: Client) -> None:
    body = {"share_bp": 4_000, "why": "a quiet week", "evidence": {"p": 0.3}}
    response = await client.send("PATCH", "/routes/orders", body, if_match='"1"')
    assert (response.status_code, response.headers["etag"]) == (200, '"8"')
    change = response.json()
    assert change["changes"] == {"share_bp": [2_500, 4_000]}
    assert (change["by"], change["why"], change["evidence"]) == ("op_1", "a quiet week", {"p": 0.3})
    assert (change["version"], change["action"], change["restores"]) == (8, "set", None)
    assert client.share_bp() == 4_000


async def test_a_write_split_is_refused_with_the_reason_and_the_remedy(client: Client) -> None:
    response = await client.send("PATCH", "/routes/orders", {"writes": None, "why": "a test"}, if_match="*")
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
    response = await client.send("PATCH", "/routes/orders", body, if_match="*")
    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-parameter")


async def test_a_rollback_restores_what_was_before(client: Client) -> None:
    changed = await client.send("PATCH", "/routes/orders", {"share_bp": 4_000, "why": "up"}, if_match="*")
    response = await client.send(
        "POST", "/routes/orders/rollback", {"why": "complaints"}, if_match=changed.headers["etag"]
    )
    assert (response.status_code, response.json()["changes"]) == (200, {"share_bp": [4_000, 2_500]})
    history = (await client.send("GET", "/routes/orders/history")).json()["changes"]
    assert [(entry["version"], entry["action"], entry["why"]) for entry in history] == [
        (9, "rollback", "complaints"),
        (8, "set", "up"),
    ]
    assert (await client.send("GET", "/history?limit=1")).json()["changes"] == history[:1]


async def test_it_explains_why_a_user_is_where_they_are(client: Client) -> None:
    response = await client.send("GET", "/routes/orders/explain?user=cust_0001&method=POST")
    assert (response.json()["side"], response.json()["reason"]) == ("legacy", "method")
    response = await client.send("GET", "/routes/orders/explain?user=cust_0001")
    assert response.json()["sentence"].endswith("and the share is 25 %")


async def test_it_tells_on_how_many_nodes_a_change_is_live(client: Client) -> None:
    now = client.harness.clock.now()
    client.harness.report_node("edge-2", version=6)
    client.harness.report_node("edge-3", at=now - timedelta(minutes=1))
    client.harness.report_node("edge-4", version=9, at=now - timedelta(days=2))
    nodes = (await client.send("GET", "/nodes")).json()
    assert (nodes["live"], nodes["nodes"], nodes["highest_applied"]) == (1, 3, 7)
    assert [(node["node"], node["is_current"], node["is_alive"]) for node in nodes["reports"]] == [
        ("edge-1", True, True),
        ("edge-2", False, True),
        ("edge-3", False, False),
    ]
    assert "edge-4" not in client.harness.store.agents, "a day of silence, and it is forgotten"
