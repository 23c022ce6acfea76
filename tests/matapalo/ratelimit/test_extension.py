"""Limits as clients meet them: who is charged what, what a denial looks like, and that it costs no REST call."""

import asyncio
import re
from pathlib import Path

import pytest

from tests.harness.asgi import Response, conversation, http_scope, request, websocket_scope
from tests.harness.limits_bff import NEWER, LimitedBff, limited_bff
from tests.harness.tokens import bearer

ME = "{ me { id } }"
DASHBOARD = "{ dashboard { customer { id } recentOrders { id items { quantity } } } }"
FOREVER = 'subscription { orderProgress(orderId: "ord_1") { id } }'
LIMIT_HEADERS = ("ratelimit", "ratelimit-policy", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


def retry_after(response: Response) -> int:
    return int(response.headers["retry-after"])


async def use_up(harness: LimitedBff, accept: str = NEWER) -> Response:
    """The eleventh response within a minute to a customer who has ten operations."""
    for _ in range(10):
        response = await harness.query(ME, accept=accept)
        assert response.status == 200, response.json()
    return await harness.query(ME, accept=accept)


async def test_the_eleventh_operation_is_denied_with_every_header(tmp_path: Path) -> None:
    async with limited_bff(tmp_path) as harness:
        denied = await use_up(harness)
        calls = len(harness.upstream.calls)
        again = await harness.query(DASHBOARD)
        assert len(harness.upstream.calls) == calls
    assert (denied.status, denied.code()) == (429, "RATE_LIMITED")
    assert (again.status, again.code()) == (429, "RATE_LIMITED")
    error = denied.json()["errors"][0]["extensions"]
    assert error["violatedPolicies"] == ["minute"]
    assert error["tier"] == "free"
    assert 0 < error["retryAfter"] <= retry_after(denied) <= 67
    assert "data" not in denied.json()
    assert denied.json()["extensions"]["cost"]["actualQueryCost"] is None
    for name in LIMIT_HEADERS:
        assert name in denied.headers, name
    assert denied.headers["x-ratelimit-limit"] == "10"
    assert denied.headers["x-ratelimit-remaining"] == "0"
    assert int(denied.headers["x-ratelimit-reset"]) > 0
    assert denied.headers["cache-control"] == "no-store"


async def test_an_enterprise_customer_has_no_windows(tmp_path: Path) -> None:
    async with limited_bff(tmp_path) as harness:
        for _ in range(30):
            assert (await harness.query(ME, tier="enterprise")).status == 200


async def test_every_response_says_how_the_limits_stand(tmp_path: Path) -> None:
    async with limited_bff(tmp_path) as harness:
        response = await harness.query(ME)
    policies = response.headers["ratelimit-policy"].split(", ")
    assert policies[0] == '"minute";q=10;w=60'
    assert '"cost";q=1000;w=50;bff-unit="points"' in policies
    assert '"concurrency";q=5;qu="concurrent-requests"' in policies
    standing = response.headers["ratelimit"].split(", ")
    assert all(re.fullmatch(r'"[a-z]+";r=\d+;t=\d+', item) for item in standing)
    assert standing[0].startswith('"minute";r=9;t=')
    assert "retry-after" not in response.headers


async def test_a_denial_in_plain_json_is_200_unless_settings_say_429(tmp_path: Path) -> None:
    async with limited_bff(tmp_path) as harness:
        denied = await use_up(harness, accept="application/json")
        assert (denied.status, denied.code(), retry_after(denied) > 0) == (200, "RATE_LIMITED", True)
    async with limited_bff(tmp_path, denial_statuses=True) as harness:
        assert (await use_up(harness, accept="application/json")).status == 429


async def test_what_can_never_fit_says_so_and_offers_no_time(tmp_path: Path) -> None:
    big = "{ orders(first: 100) { nodes { items { product { stock } } } } }"
    async with limited_bff(tmp_path) as harness:
        denied = await harness.query(big)
        assert harness.upstream.calls == []
        allowed = await harness.query(big, tier="premium")
    assert (denied.status, denied.code()) == (400, "COST_TOO_EXPENSIVE")
    assert "retry-after" not in denied.headers
    extensions = denied.json()["errors"][0]["extensions"]
    assert (extensions["cost"], extensions["maxCost"]) == (1 + 100 * (1 + 8 * 3), 1000)
    assert "retryable" not in extensions
    assert allowed.status == 200


async def test_the_response_says_what_it_cost_and_the_rest_is_back(tmp_path: Path) -> None:
    async with limited_bff(tmp_path) as harness:
        response = await harness.query("{ orders(first: 50) { nodes { id } } }")
        cost = response.json()["extensions"]["cost"]
        length = len(response.json()["data"]["orders"]["nodes"])
        assert length == 12
        assert cost["requestedQueryCost"] == 51
        assert cost["actualQueryCost"] == 1 + length
        throttle = cost["throttleStatus"]
        assert (throttle["maximumAvailable"], throttle["restoreRate"]) == (1000, 20)
        assert 1000 - 51 + (50 - length) <= throttle["currentlyAvailable"] <= 1000


async def test_a_client_may_do_without_the_cost(tmp_path: Path) -> None:
    async with limited_bff(tmp_path, cost_extension=False) as harness:
        response = await harness.query(ME)
        assert "extensions" not in response.json()
        assert "ratelimit" in response.headers


async def test_rate_limit_is_a_field_of_the_schema(tmp_path: Path) -> None:
    query = "{ rateLimit { tier limit remaining used cost nodeCount resetAt policies { name unit limit } } me { id } }"
    async with limited_bff(tmp_path) as harness:
        limit = (await harness.query(query)).json()["data"]["rateLimit"]
    assert (limit["tier"], limit["limit"], limit["remaining"], limit["used"]) == ("free", 10, 9, 1)
    assert (limit["cost"], limit["nodeCount"]) == (1, 1)
    assert limit["resetAt"].endswith("+00:00")
    assert [policy["name"] for policy in limit["policies"]][:3] == ["minute", "hour", "day"]


async def test_the_schema_has_a_budget_of_its_own(tmp_path: Path) -> None:
    async with limited_bff(tmp_path) as harness:
        await use_up(harness)
        explored = await harness.query("{ __schema { queryType { name } } }")
        assert explored.status == 200, explored.json()
        for _ in range(9):
            await harness.query("{ __schema { queryType { name } } }")
        denied = await harness.query("{ __schema { queryType { name } } }")
        assert (denied.status, denied.json()["errors"][0]["extensions"]["violatedPolicies"]) == (
            429,
            ["introspection"],
        )
        mixed = await harness.query("{ __schema { queryType { name } } me { id } }")
        assert mixed.code() == "RATE_LIMITED"


async def test_aliases_cost_each_and_batches_are_not_taken(tmp_path: Path) -> None:
    aliases = " ".join(f"a{index}: me {{ id }}" for index in range(15))
    async with limited_bff(tmp_path) as harness:
        response = await harness.query("{ %s }" % aliases)  # noqa: UP031 - braces
        assert response.json()["extensions"]["cost"]["requestedQueryCost"] == 15
        batch = await request(
            harness.app, "POST", headers={"content-type": "application/json"}, body=b'[{"query": "{ __typename }"}]'
        )
        assert (batch.status, batch.code()) == (400, "BAD_USER_INPUT")


async def test_what_is_no_operation_is_free(tmp_path: Path) -> None:
    async with limited_bff(tmp_path) as harness:
        for _ in range(12):
            page = await request(harness.app, "GET", headers={"accept": "text/html"})
            preflight = await request(harness.app, "OPTIONS", headers={"origin": "http://localhost:3000"})
            health = await request(harness.app, "GET", path="/healthz")
            assert (page.status, preflight.status, health.status) == (200, 204, 200)
        assert harness.store.calls["reserve"] == 0


async def test_an_invalid_document_is_not_charged(tmp_path: Path) -> None:
    async with limited_bff(tmp_path) as harness:
        for query in ("{", "{ nothing }", ""):
            await harness.query(query)
        assert harness.store.calls["reserve"] == 0


async def test_anonymous_viewers_are_told_apart_by_the_edges_address(tmp_path: Path) -> None:
    query = "{ products(first: 1) { nodes { id } } }"
    async with limited_bff(tmp_path) as harness:
        for last in range(10):
            address = f"198.51.100.1, 2001:db8:0:1::{last}"
            assert (await harness.query(query, tier=None, x_forwarded_for=address)).status == 200
        same = await harness.query(query, tier=None, x_forwarded_for="2001:db8:0:1:ffff::9")
        other = await harness.query(query, tier=None, x_forwarded_for="2001:db8:0:2::1")
        customer = await harness.query(query, x_forwarded_for="2001:db8:0:1::1")
        assert (same.status, other.status, customer.status) == (429, 200, 200)
        assert sorted(key.partition(":")[2] for key in harness.store.values)


async def test_without_the_store_the_process_limits_operations(tmp_path: Path) -> None:
    async with limited_bff(tmp_path) as harness:
        harness.store.is_away = True
        responses = [await harness.query(ME) for _ in range(11)]
    assert [response.status for response in responses] == [200] * 10 + [429]
    assert responses[0].headers["x-ratelimit-degraded"] == "true"
    assert "ratelimit" not in responses[0].headers
    assert "ratelimit-policy" in responses[0].headers


async def test_an_address_is_denied_before_its_request_is_read(tmp_path: Path) -> None:
    async with limited_bff(tmp_path, address_requests_per_second=1) as harness:
        headers = {"content-type": "application/json", "accept": NEWER}
        responses = [await request(harness.app, "POST", headers=headers, body=b"{") for _ in range(12)]
        assert [response.status for response in responses][:10] == [400] * 10
        assert (responses[-1].status, responses[-1].code()) == (429, "RATE_LIMITED")
        assert retry_after(responses[-1]) >= 1
        assert (await request(harness.app, "GET", path="/healthz")).status == 200


async def test_concurrent_operations_are_limited_and_permits_return(tmp_path: Path) -> None:
    async with limited_bff(tmp_path, query_deadline=0.3) as harness:
        harness.upstream.hang("customers")
        responses = await asyncio.gather(*(harness.query(ME) for _ in range(7)))
        codes = sorted(response.code() for response in responses)
        assert codes.count("CONCURRENCY_LIMITED") == 2
        denied = next(response for response in responses if response.code() == "CONCURRENCY_LIMITED")
        assert (denied.status, retry_after(denied) >= 1) == (429, True)
        assert (await harness.query(ME)).code() == "UPSTREAM_TIMEOUT"


async def test_a_subscription_holds_a_permit_until_it_ends(tmp_path: Path) -> None:
    async with limited_bff(tmp_path) as harness:
        headers = {"content-type": "application/json", "accept": "text/event-stream", **bearer()}
        scope = http_scope("GET", query_string="query=subscription%7BorderProgress(orderId%3A%22o%22)%7Bid%7D%7D")
        scope["headers"] = [(name.encode(), value.encode()) for name, value in headers.items()]
        async with conversation(harness.app, scope) as stream:
            await stream.until(lambda: stream.sent, "the stream begins")
            sent = {name.decode(): value.decode() for name, value in stream.sent[0]["headers"]}
            assert sent["ratelimit"].startswith('"minute";r=9')
        assert harness.store.calls["reserve"] == 1


async def test_a_denied_subscription_says_so_in_stream_and_websocket(tmp_path: Path) -> None:
    async with limited_bff(tmp_path) as harness:
        await use_up(harness)
        stream = await harness.query(FOREVER, accept="text/event-stream")
        assert stream.status == 200
        assert b'"code":"RATE_LIMITED"' in stream.body
        assert stream.headers["x-ratelimit-remaining"] == "0"
        async with conversation(harness.app, websocket_scope(bearer())) as talk:
            talk.to_app.put_nowait({"type": "websocket.connect"})
            talk.say({"type": "connection_init"})
            await talk.until(lambda: {"type": "connection_ack"} in talk.said, "the acknowledgement")
            talk.say({"type": "subscribe", "id": "a", "payload": {"query": FOREVER}})
            await talk.until(lambda: talk.said[-1]["type"] == "error", "the denial")
            (error,) = talk.said[-1]["payload"]
            assert error["extensions"]["code"] == "RATE_LIMITED"
            assert error["extensions"]["retryAfter"] > 0


@pytest.mark.parametrize("tier", ["free", "premium"])
async def test_the_persisted_home_is_priced_when_it_starts(tmp_path: Path, tier: str) -> None:
    query = (Path(__file__).parents[3] / "schema/operations/mobile/Home.graphql").read_text()
    async with limited_bff(tmp_path, "mobile") as harness:
        response = await harness.query(query, tier=tier)
        assert response.json()["extensions"]["cost"]["requestedQueryCost"] == 9


async def test_committed_operations_never_cost_more_than_reserved(tmp_path: Path) -> None:
    folder = Path(__file__).parents[3] / "schema/operations/web"
    async with limited_bff(tmp_path) as harness:
        for name in ("Dashboard", "OrderHistory", "ProductSearch", "Profile"):
            response = await harness.query((folder / f"{name}.graphql").read_text(), tier="enterprise")
            cost = response.json()["extensions"]["cost"]
            assert 0 < cost["actualQueryCost"] <= cost["requestedQueryCost"], name
        page = (await request(harness.app, "GET", path="/metrics")).body.decode()
    assert 'ratelimit_points_total{outcome="underestimated"} 0.0' in page


async def test_a_cached_denial_reads_like_the_first_one(tmp_path: Path) -> None:
    async with limited_bff(tmp_path) as harness:
        first, again = await use_up(harness), await harness.query(ME)
    for response in (first, again):
        del response.json()["errors"][0]["extensions"]["retryAfter"]
    assert first.headers.keys() == again.headers.keys()
    assert first.json()["extensions"] == again.json()["extensions"]
    assert first.json()["errors"][0].keys() == again.json()["errors"][0].keys()
