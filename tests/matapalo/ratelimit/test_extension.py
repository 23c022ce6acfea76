"""Limits as clients meet them: who is charged what, what a refusal looks like, and that it costs nobody a REST call."""

import asyncio
import re
from pathlib import Path

import pytest

from tests.harness.asgi import Response, conversation, http_scope, request, websocket_scope
from tests.harness.limits_bff import NEWER, Limited, limited
from tests.harness.tokens import bearer

ME = "{ me { id } }"
DASHBOARD = "{ dashboard { customer { id } recentOrders { id items { quantity } } } }"
FOREVER = 'subscription { orderProgress(orderId: "ord_1") { id } }'
LIMIT_HEADERS = ("ratelimit", "ratelimit-policy", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


def retry_after(answer: Response) -> int:
    return int(answer.headers["retry-after"])


async def use_up(bff: Limited, accept: str = NEWER) -> Response:
    """The eleventh answer within a minute to somebody who may ask ten times."""
    for _ in range(10):
        answer = await bff.ask(ME, accept=accept)
        assert answer.status == 200, answer.json()
    return await bff.ask(ME, accept=accept)


async def test_the_eleventh_operation_of_a_free_customer_is_refused_with_every_header(tmp_path: Path) -> None:
    async with limited(tmp_path) as bff:
        refused = await use_up(bff)
        calls = len(bff.upstream.calls)
        again = await bff.ask(DASHBOARD)
        assert len(bff.upstream.calls) == calls
    assert (refused.status, refused.code()) == (429, "RATE_LIMITED")
    assert (again.status, again.code()) == (429, "RATE_LIMITED")
    error = refused.json()["errors"][0]["extensions"]
    assert error["violatedPolicies"] == ["minute"]
    assert error["tier"] == "free"
    assert 0 < error["retryAfter"] <= retry_after(refused) <= 67
    assert "data" not in refused.json()
    assert refused.json()["extensions"]["cost"]["actualQueryCost"] is None
    for name in LIMIT_HEADERS:
        assert name in refused.headers, name
    assert refused.headers["x-ratelimit-limit"] == "10"
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert int(refused.headers["x-ratelimit-reset"]) > 0
    assert refused.headers["cache-control"] == "no-store"


async def test_an_enterprise_customer_is_never_refused_for_asking_often(tmp_path: Path) -> None:
    async with limited(tmp_path) as bff:
        for _ in range(30):
            assert (await bff.ask(ME, tier="enterprise")).status == 200


async def test_every_answer_says_how_the_limits_stand(tmp_path: Path) -> None:
    async with limited(tmp_path) as bff:
        answer = await bff.ask(ME)
    policies = answer.headers["ratelimit-policy"].split(", ")
    assert policies[0] == '"minute";q=10;w=60'
    assert '"cost";q=1000;w=50;bff-unit="points"' in policies
    assert '"concurrency";q=5;qu="concurrent-requests"' in policies
    standing = answer.headers["ratelimit"].split(", ")
    assert all(re.fullmatch(r'"[a-z]+";r=\d+;t=\d+', each) for each in standing)
    assert standing[0].startswith('"minute";r=9;t=')
    assert "retry-after" not in answer.headers


async def test_a_refusal_in_plain_json_is_200_unless_settings_say_429(tmp_path: Path) -> None:
    async with limited(tmp_path) as bff:
        refused = await use_up(bff, accept="application/json")
        assert (refused.status, refused.code(), retry_after(refused) > 0) == (200, "RATE_LIMITED", True)
    async with limited(tmp_path, denial_statuses=True) as bff:
        assert (await use_up(bff, accept="application/json")).status == 429


async def test_what_can_never_fit_says_so_and_offers_no_time(tmp_path: Path) -> None:
    big = "{ orders(first: 100) { nodes { items { product { stock } } } } }"
    async with limited(tmp_path) as bff:
        refused = await bff.ask(big)
        assert bff.upstream.calls == []
        allowed = await bff.ask(big, tier="premium")
    assert (refused.status, refused.code()) == (400, "COST_TOO_EXPENSIVE")
    assert "retry-after" not in refused.headers
    extensions = refused.json()["errors"][0]["extensions"]
    assert (extensions["cost"], extensions["maxCost"]) == (1 + 100 * (1 + 8 * 3), 1000)
    assert "retryable" not in extensions
    assert allowed.status == 200


async def test_the_answer_says_what_it_cost_and_gives_the_rest_back(tmp_path: Path) -> None:
    async with limited(tmp_path) as bff:
        answer = await bff.ask("{ orders(first: 50) { nodes { id } } }")
        cost = answer.json()["extensions"]["cost"]
        found = len(answer.json()["data"]["orders"]["nodes"])
        assert found == 12
        assert cost["requestedQueryCost"] == 51
        assert cost["actualQueryCost"] == 1 + found
        throttle = cost["throttleStatus"]
        assert (throttle["maximumAvailable"], throttle["restoreRate"]) == (1000, 20)
        assert 1000 - 51 + (50 - found) <= throttle["currentlyAvailable"] <= 1000


async def test_a_client_may_do_without_the_cost(tmp_path: Path) -> None:
    async with limited(tmp_path, cost_extension=False) as bff:
        answer = await bff.ask(ME)
        assert "extensions" not in answer.json()
        assert "ratelimit" in answer.headers


async def test_rate_limit_can_be_asked_for(tmp_path: Path) -> None:
    query = "{ rateLimit { tier limit remaining used cost nodeCount resetAt policies { name unit limit } } me { id } }"
    async with limited(tmp_path) as bff:
        found = (await bff.ask(query)).json()["data"]["rateLimit"]
    assert (found["tier"], found["limit"], found["remaining"], found["used"]) == ("free", 10, 9, 1)
    assert (found["cost"], found["nodeCount"]) == (1, 1)
    assert found["resetAt"].endswith("+00:00")
    assert [each["name"] for each in found["policies"]][:3] == ["minute", "hour", "day"]


async def test_the_schema_has_a_budget_of_its_own(tmp_path: Path) -> None:
    async with limited(tmp_path) as bff:
        await use_up(bff)
        explored = await bff.ask("{ __schema { queryType { name } } }")
        assert explored.status == 200, explored.json()
        for _ in range(9):
            await bff.ask("{ __schema { queryType { name } } }")
        refused = await bff.ask("{ __schema { queryType { name } } }")
        assert (refused.status, refused.json()["errors"][0]["extensions"]["violatedPolicies"]) == (
            429,
            ["introspection"],
        )
        mixed = await bff.ask("{ __schema { queryType { name } } me { id } }")
        assert mixed.code() == "RATE_LIMITED"


async def test_aliases_cost_each_and_batches_are_not_taken(tmp_path: Path) -> None:
    aliases = " ".join(f"a{index}: me {{ id }}" for index in range(15))
    async with limited(tmp_path) as bff:
        answer = await bff.ask("{ %s }" % aliases)  # noqa: UP031 - braces
        assert answer.json()["extensions"]["cost"]["requestedQueryCost"] == 15
        batch = await request(
            bff.app, "POST", headers={"content-type": "application/json"}, body=b'[{"query": "{ __typename }"}]'
        )
        assert (batch.status, batch.code()) == (400, "BAD_USER_INPUT")


async def test_what_is_no_operation_is_free(tmp_path: Path) -> None:
    async with limited(tmp_path) as bff:
        for _ in range(12):
            page = await request(bff.app, "GET", headers={"accept": "text/html"})
            preflight = await request(bff.app, "OPTIONS", headers={"origin": "http://localhost:3000"})
            health = await request(bff.app, "GET", path="/healthz")
            assert (page.status, preflight.status, health.status) == (200, 204, 200)
        assert bff.store.asked["reserve"] == 0


async def test_a_document_that_is_refused_is_not_charged(tmp_path: Path) -> None:
    async with limited(tmp_path) as bff:
        for query in ("{", "{ nothing }", ""):
            await bff.ask(query)
        assert bff.store.asked["reserve"] == 0


async def test_anonymous_viewers_are_told_apart_by_the_address_that_the_edge_vouches_for(tmp_path: Path) -> None:
    query = "{ products(first: 1) { nodes { id } } }"
    async with limited(tmp_path) as bff:
        for last in range(10):
            address = f"198.51.100.1, 2001:db8:0:1::{last}"
            assert (await bff.ask(query, tier=None, x_forwarded_for=address)).status == 200
        same = await bff.ask(query, tier=None, x_forwarded_for="2001:db8:0:1:ffff::9")
        other = await bff.ask(query, tier=None, x_forwarded_for="2001:db8:0:2::1")
        customer = await bff.ask(query, x_forwarded_for="2001:db8:0:1::1")
        assert (same.status, other.status, customer.status) == (429, 200, 200)
        assert sorted(key.partition(":")[2] for key in bff.store.values)


async def test_without_the_store_operations_run_on_the_limits_of_the_process(tmp_path: Path) -> None:
    async with limited(tmp_path) as bff:
        bff.store.is_away = True
        answers = [await bff.ask(ME) for _ in range(11)]
    assert [answer.status for answer in answers] == [200] * 10 + [429]
    assert answers[0].headers["x-ratelimit-degraded"] == "true"
    assert "ratelimit" not in answers[0].headers
    assert "ratelimit-policy" in answers[0].headers


async def test_an_address_is_refused_before_anything_of_its_request_is_read(tmp_path: Path) -> None:
    async with limited(tmp_path, address_requests_per_second=1) as bff:
        headers = {"content-type": "application/json", "accept": NEWER}
        answers = [await request(bff.app, "POST", headers=headers, body=b"{") for _ in range(12)]
        assert [answer.status for answer in answers][:10] == [400] * 10
        assert (answers[-1].status, answers[-1].code()) == (429, "RATE_LIMITED")
        assert retry_after(answers[-1]) >= 1
        assert (await request(bff.app, "GET", path="/healthz")).status == 200


async def test_concurrent_operations_are_limited_and_their_places_come_back(tmp_path: Path) -> None:
    async with limited(tmp_path, query_deadline=0.3) as bff:
        bff.upstream.hang("customers")
        answers = await asyncio.gather(*(bff.ask(ME) for _ in range(7)))
        codes = sorted(answer.code() for answer in answers)
        assert codes.count("CONCURRENCY_LIMITED") == 2
        refused = next(answer for answer in answers if answer.code() == "CONCURRENCY_LIMITED")
        assert (refused.status, retry_after(refused) >= 1) == (429, True)
        assert (await bff.ask(ME)).code() == "UPSTREAM_TIMEOUT"


async def test_a_subscription_holds_a_place_until_it_ends(tmp_path: Path) -> None:
    async with limited(tmp_path) as bff:
        headers = {"content-type": "application/json", "accept": "text/event-stream", **bearer()}
        scope = http_scope("GET", query_string="query=subscription%7BorderProgress(orderId%3A%22o%22)%7Bid%7D%7D")
        scope["headers"] = [(name.encode(), value.encode()) for name, value in headers.items()]
        async with conversation(bff.app, scope) as stream:
            await stream.until(lambda: stream.sent, "the stream begins")
            sent = {name.decode(): value.decode() for name, value in stream.sent[0]["headers"]}
            assert sent["ratelimit"].startswith('"minute";r=9')
        assert bff.store.asked["reserve"] == 1


async def test_a_refused_subscription_says_so_in_its_stream_and_on_a_websocket(tmp_path: Path) -> None:
    async with limited(tmp_path) as bff:
        await use_up(bff)
        stream = await bff.ask(FOREVER, accept="text/event-stream")
        assert stream.status == 200
        assert b'"code":"RATE_LIMITED"' in stream.body
        assert stream.headers["x-ratelimit-remaining"] == "0"
        async with conversation(bff.app, websocket_scope(bearer())) as talk:
            talk.to_app.put_nowait({"type": "websocket.connect"})
            talk.say({"type": "connection_init"})
            await talk.until(lambda: {"type": "connection_ack"} in talk.said, "the acknowledgement")
            talk.say({"type": "subscribe", "id": "a", "payload": {"query": FOREVER}})
            await talk.until(lambda: talk.said[-1]["type"] == "error", "the refusal")
            (error,) = talk.said[-1]["payload"]
            assert error["extensions"]["code"] == "RATE_LIMITED"
            assert error["extensions"]["retryAfter"] > 0


@pytest.mark.parametrize("tier", ["free", "premium"])
async def test_the_persisted_home_is_priced_before_anybody_asks(tmp_path: Path, tier: str) -> None:
    query = (Path(__file__).parents[3] / "schema/operations/mobile/Home.graphql").read_text()
    async with limited(tmp_path, "mobile") as bff:
        answer = await bff.ask(query, tier=tier)
        assert answer.json()["extensions"]["cost"]["requestedQueryCost"] == 9


async def test_operators_see_and_reset_limits_and_nobody_else(tmp_path: Path) -> None:
    async with limited(tmp_path) as bff:
        await use_up(bff)
        shown = (await bff.admin("GET", "/admin/limits/cust_0001")).json()
        minute = shown["policies"][0]
        assert (shown["subject"], shown["tier"]) == ("user:cust_0001", "free")
        assert (minute["name"], minute["used"], minute["remaining"]) == ("minute", 10, 0)
        assert (await bff.admin("GET", "/admin/limits/cust_0001", role="customer")).status == 403
        assert (await request(bff.app, "DELETE", path="/admin/limits/cust_0001")).status == 401
        assert (await bff.ask(ME)).status == 429
        assert (await bff.admin("DELETE", "/admin/limits/cust_0001")).json()["forgotten"] is True
        assert (await bff.ask(ME)).status == 200


async def test_operators_change_the_tiers_without_a_restart(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "matapalo/ratelimit/tiers.toml").read_bytes()
    async with limited(tmp_path) as bff:
        assert (await bff.ask(ME)).headers["x-ratelimit-limit"] == "10"
        changed = await bff.admin("PUT", "/admin/tiers", body=re.sub(rb"(?m)^minute = 10$", b"minute = 3", text))
        assert changed.status == 200, changed.body
        assert (await bff.ask(ME)).headers["x-ratelimit-limit"] == "3"
        refused = await bff.admin("PUT", "/admin/tiers", body=re.sub(rb"(?m)^minute = 10$", b"minute = -3", text))
        assert (refused.status, "minute" in refused.json()["title"]) == (422, True)
        assert (await bff.admin("DELETE", "/admin/tiers")).status == 200
        assert (await bff.ask(ME)).headers["x-ratelimit-limit"] == "10"


async def test_operators_are_told_when_the_store_is_away(tmp_path: Path) -> None:
    async with limited(tmp_path) as bff:
        bff.store.is_away = True
        assert (await bff.admin("GET", "/admin/limits/cust_0001")).status == 503


async def test_the_committed_operations_never_cost_more_than_they_reserved(tmp_path: Path) -> None:
    folder = Path(__file__).parents[3] / "schema/operations/web"
    async with limited(tmp_path) as bff:
        for name in ("Dashboard", "OrderHistory", "ProductSearch", "Profile"):
            answer = await bff.ask((folder / f"{name}.graphql").read_text(), tier="enterprise")
            cost = answer.json()["extensions"]["cost"]
            assert 0 < cost["actualQueryCost"] <= cost["requestedQueryCost"], name
        page = (await request(bff.app, "GET", path="/metrics")).body.decode()
    assert 'ratelimit_points_total{what="underestimated"} 0.0' in page


async def test_a_refusal_of_a_moment_ago_reads_like_the_first_one(tmp_path: Path) -> None:
    async with limited(tmp_path) as bff:
        first, again = await use_up(bff), await bff.ask(ME)
    for answer in (first, again):
        del answer.json()["errors"][0]["extensions"]["retryAfter"]
    assert first.headers.keys() == again.headers.keys()
    assert first.json()["extensions"] == again.json()["extensions"]
    assert first.json()["errors"][0].keys() == again.json()["errors"][0].keys()
