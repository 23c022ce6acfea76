"""The REST calls of one operation: deadline, retry, single-flight, and what each response becomes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from matapalo.errors import NotFound, UpstreamRejected, UpstreamTimeout, UpstreamUnavailable
from matapalo.rest.client import DEADLINE_MARGIN_S, RestClient, service_of
from matapalo.rest.pool import RestPool
from matapalo.rest.transport import Broken, ConnectFailed, ResponseTooLarge, RestRequest, RestResponse, TimedOut
from tests.harness.clock import FakeClock

IDENTITY = {"x-user-id": "cust_0001", "x-role": "customer", "x-request-id": "r1", "traceparent": "t1"}
ANONYMOUS = {"x-request-id": "r1", "traceparent": "t1"}


class Thing(msgspec.Struct):
    id: str


@dataclass
class Scripted:
    """A transport that sends the responses of its script, one after the other; the last one for ever."""

    script: list[Any]
    calls: list[RestRequest] = field(default_factory=list)
    gate: asyncio.Event | None = None
    on_call: Callable[[], None] = lambda: None

    async def send(self, call: RestRequest) -> RestResponse:
        self.calls.append(call)
        self.on_call()
        if self.gate is not None:
            await self.gate.wait()
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Exception):
            raise step
        return step  # type: ignore[no-any-return]

    async def aclose(self) -> None:
        pass


def response(status: int = 200, body: object = None, content_type: str = "application/json") -> RestResponse:
    return RestResponse(status, content_type, body if isinstance(body, bytes) else msgspec.json.encode(body))


@dataclass
class Harness:
    transport: Scripted
    clock: FakeClock
    pool: RestPool
    observed: list[tuple[str, str, str]]

    def client(self, headers: dict[str, str] = IDENTITY, deadline_in_s: float = 2.0) -> RestClient:
        return self.pool.client(headers=headers, deadline_s=self.clock.monotonic_s() + deadline_in_s)


def make_harness(*script: Any, max_batch_ids: int = 200) -> Harness:
    transport, clock, observed = Scripted(list(script)), FakeClock(), []

    def observe(*, service: str, method: str, outcome: str, seconds: float) -> None:
        observed.append((service, method, outcome))

    pool = RestPool(transport, clock, max_batch_ids=max_batch_ids, observe=observe)
    return Harness(transport, clock, pool, observed)


# --- what is sent ---


async def test_a_get_carries_the_headers_and_the_set_parameters():
    harness = make_harness(response(body={"id": "1"}))
    thing = await harness.client().get("/api/orders", {"customer_id": "a b&c", "limit": 5, "cursor": None}, into=Thing)
    assert thing == Thing("1")
    [call] = harness.transport.calls
    assert (call.method, call.target) == ("GET", "/api/orders?customer_id=a+b%26c&limit=5")
    assert call.headers == IDENTITY
    assert harness.observed == [("orders", "GET", "ok")]


async def test_a_send_carries_json_and_the_idempotency_key():
    harness = make_harness(response(201, {"id": "1"}))
    assert await harness.client().send("POST", "/api/orders", {"a": 1}, into=Thing, idempotency_key="k") == Thing("1")
    [call] = harness.transport.calls
    assert (call.method, call.target, call.body) == ("POST", "/api/orders", b'{"a":1}')
    assert call.headers == {**IDENTITY, "content-type": "application/json", "idempotency-key": "k"}


async def test_many_ids_are_split_and_the_rows_come_back_together():
    harness = make_harness(response(body={"items": [{"id": "1"}], "next_cursor": None}), max_batch_ids=2)
    rows = await harness.client().get_many("/api/orders", list("abcde"), into=Thing)
    assert rows == [Thing("1")] * 3
    assert [call.target for call in harness.transport.calls] == [
        "/api/orders?ids=a,b", "/api/orders?ids=c,d", "/api/orders?ids=e",
    ]  # fmt: skip


async def test_a_failing_part_of_a_batch_fails_it_and_cancels_the_rest():
    harness = make_harness(response(500), response(body={"items": []}), max_batch_ids=1)
    with pytest.raises(UpstreamUnavailable):
        await harness.client().get_many("/api/orders", ["a", "b"], into=Thing)


async def test_no_ids_are_no_call():
    harness = make_harness(response())
    assert await harness.client().get_many("/api/orders", [], into=Thing) == []
    assert harness.transport.calls == []


# --- what responses become ---

PROBLEM = {"type": "/problems/out-of-stock", "title": "Out of stock", "status": 409, "detail": "d", "shortages": [1]}


@pytest.mark.parametrize(
    ("step", "expected", "outcome"),
    [
        (response(404, PROBLEM), NotFound, "not_found"),
        (response(400, PROBLEM), UpstreamRejected, "rejected"),
        (response(429, b"slow down", "text/plain"), UpstreamRejected, "rejected"),
        (response(500), UpstreamUnavailable, "unavailable"),
        (response(302), UpstreamUnavailable, "unavailable"),
        (response(504), UpstreamTimeout, "timeout"),
        (response(200, b"<html>secret</html>"), UpstreamUnavailable, "ok"),
        (response(200, b'{"id": 7}'), UpstreamUnavailable, "ok"),
        (response(200, b""), UpstreamUnavailable, "ok"),
        (response(200, b'{"id": "\xff"}'), UpstreamUnavailable, "ok"),
        (TimedOut("at 10.0.0.1"), UpstreamTimeout, "timeout"),
        (Broken("at 10.0.0.1"), UpstreamUnavailable, "unavailable"),
        (ResponseTooLarge("at 10.0.0.1"), UpstreamUnavailable, "unavailable"),
    ],
)
async def test_an_unusable_response_is_an_error_that_hides_addresses(step, expected, outcome):
    harness = make_harness(step)
    with pytest.raises(expected) as caught:
        await harness.client().get("/api/orders/ord_1", into=Thing)
    assert "orders" in caught.value.message
    assert "/api/orders/ord_1" in caught.value.message
    assert "secret" not in caught.value.message
    assert "10.0.0.1" not in caught.value.message
    assert harness.observed == [("orders", "GET", outcome)]
    assert len(harness.transport.calls) == 1


async def test_what_a_service_rejects_is_a_problem_for_our_code():
    harness = make_harness(response(409, PROBLEM, "application/problem+json; charset=utf-8"))
    with pytest.raises(UpstreamRejected) as caught:
        await harness.client().send("POST", "/api/orders", {}, into=Thing, idempotency_key="k")
    problem = caught.value.problem
    assert (problem.status, problem.slug, problem.title, problem.detail) == (409, "out-of-stock", "Out of stock", "d")
    assert problem.members == {"shortages": [1]}


async def test_a_404_to_a_write_is_rejected_too():
    harness = make_harness(response(404, PROBLEM))
    with pytest.raises(UpstreamRejected):
        await harness.client().send("POST", "/api/orders/x/confirm", {}, into=Thing, idempotency_key="k")


# --- deadline ---


async def test_the_timeout_is_the_rest_of_the_deadline_less_a_margin():
    harness = make_harness(response(body={"id": "1"}))
    client = harness.client(deadline_in_s=2.0)
    await client.get("/api/orders/1", into=Thing)
    harness.clock.advance(1.5)
    await client.get("/api/orders/2", into=Thing)
    assert [call.timeout_s for call in harness.transport.calls] == pytest.approx(
        [2.0 - DEADLINE_MARGIN_S, 0.5 - DEADLINE_MARGIN_S]
    )


async def test_past_the_deadline_nothing_is_sent():
    harness = make_harness(response(body={"id": "1"}))
    client = harness.client(deadline_in_s=1.0)
    harness.clock.advance(1.0)
    with pytest.raises(UpstreamTimeout, match="orders: no time left for GET /api/orders/1"):
        await client.get("/api/orders/1", into=Thing)
    assert harness.transport.calls == []
    assert harness.observed == [("orders", "GET", "timeout")]


# --- retry ---


@pytest.mark.parametrize("first", [ConnectFailed("refused"), response(502), response(503)])
async def test_a_read_that_reached_nothing_is_retried_once(first):
    harness = make_harness(first, response(body={"id": "1"}))
    assert await harness.client().get("/api/orders/1", into=Thing) == Thing("1")
    assert len(harness.transport.calls) == 2


@pytest.mark.parametrize("always", [ConnectFailed("refused"), response(503)])
async def test_a_read_is_not_retried_twice(always):
    harness = make_harness(always)
    with pytest.raises(UpstreamUnavailable):
        await harness.client().get("/api/orders/1", into=Thing)
    assert len(harness.transport.calls) == 2


async def test_a_read_is_not_retried_when_the_deadline_leaves_no_time():
    harness = make_harness(response(503))
    client = harness.client(deadline_in_s=1.0)
    harness.transport.on_call = lambda: harness.clock.advance(0.895)
    with pytest.raises(UpstreamUnavailable, match="orders answered 503"):
        await client.get("/api/orders/1", into=Thing)
    assert len(harness.transport.calls) == 1


@pytest.mark.parametrize("first", [ConnectFailed("refused"), response(503)])
async def test_a_write_is_never_retried(first):
    harness = make_harness(first)
    with pytest.raises(UpstreamUnavailable):
        await harness.client().send("POST", "/api/orders", {}, into=Thing, idempotency_key="k")
    assert len(harness.transport.calls) == 1


# --- single-flight ---


async def together(harness: Harness, *reads: Any) -> list[Any]:
    """The results of reads that are all in flight before the first response."""
    harness.transport.gate = asyncio.Event()
    tasks = [asyncio.ensure_future(read) for read in reads]
    for _ in range(5):
        await asyncio.sleep(0)
    harness.transport.gate.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_equal_reads_of_one_operation_are_one_call():
    harness = make_harness(response(body={"id": "1"}))
    client = harness.client()
    results = await together(harness, *(client.get("/api/orders/1", into=Thing) for _ in range(3)))
    assert results == [Thing("1")] * 3
    assert len(harness.transport.calls) == 1


async def test_a_read_after_the_response_is_a_new_call():
    harness = make_harness(response(body={"id": "1"}))
    client = harness.client()
    await client.get("/api/orders/1", into=Thing)
    await client.get("/api/orders/1", into=Thing)
    assert len(harness.transport.calls) == 2


async def test_operations_share_a_call_if_anonymous_and_routed_alike():
    async def calls(first: dict[str, str], second: dict[str, str]) -> int:
        harness = make_harness(response(body={"id": "1"}))
        await together(
            harness, *(harness.client(headers).get("/api/products/1", into=Thing) for headers in (first, second))
        )
        return len(harness.transport.calls)

    assert await calls(ANONYMOUS, {"x-request-id": "r2", "traceparent": "t2"}) == 1
    assert await calls(ANONYMOUS, {**ANONYMOUS, "x-canary": "beta"}) == 2
    assert await calls(IDENTITY, IDENTITY) == 2
    assert await calls(IDENTITY, ANONYMOUS) == 2


async def test_a_shared_failure_reaches_every_waiter():
    harness = make_harness(response(500))
    client = harness.client()
    results = await together(harness, *(client.get("/api/orders/1", into=Thing) for _ in range(2)))
    assert [type(result) for result in results] == [UpstreamUnavailable] * 2


async def test_a_shared_call_ends_with_its_last_waiter():
    harness = make_harness(response(body={"id": "1"}))
    client = harness.client()
    harness.transport.gate = asyncio.Event()
    first, second = (asyncio.ensure_future(client.get("/api/orders/1", into=Thing)) for _ in range(2))
    for _ in range(3):
        await asyncio.sleep(0)
    first.cancel()
    harness.transport.gate.set()
    assert await second == Thing("1")

    harness.transport.gate.clear()
    last = asyncio.ensure_future(client.get("/api/orders/1", into=Thing))
    for _ in range(3):
        await asyncio.sleep(0)
    last.cancel()
    with pytest.raises(asyncio.CancelledError):
        await last
    await asyncio.sleep(0)
    assert harness.observed[-1] == ("orders", "GET", "cancelled")


def test_the_service_is_the_segment_after_api():
    assert service_of("/api/orders/by-customer") == "orders"
