"""The end of a legacy side over HTTP."""

from matapalo.strangler.routing.hits import Hits, LegacyCaller
from tests.matapalo.strangler.api.harness import Client


async def test_the_legacy_side_goes_only_when_it_is_dead(client: Client) -> None:
    refused = await client.send("POST", "/routes/orders/decommission", {"why": "done"}, if_match="*")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-ready")
    assert [error["message"] for error in refused.json()["errors"]] == [
        "reads: the new side has 25 % of the users",
        "writes go to legacy",
    ]
    await client.send("POST", "/strangler/complete", {"path": "/api/orders"})
    now_ms = round(client.harness.clock.now().timestamp() * 1000)
    erp = LegacyCaller("erp", "1.2", "curl/8")
    await client.harness.hits.add({"orders": {erp: Hits(3, now_ms, now_ms, writes=1)}})
    report = (await client.send("GET", "/routes/orders/decommission")).json()
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
    applied = await client.send("POST", "/routes/orders/decommission", {"why": "done"}, if_match="*")
    assert (applied.status_code, applied.json()["action"]) == (200, "retire")
    assert applied.json()["changes"] == {"retired": [False, True]}
    assert applied.json()["evidence"]["last_hit"] == "2026-03-01T12:00:00+00:00"
