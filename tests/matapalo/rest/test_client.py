"""The REST calls of one operation: deadline, repetition, sharing, and what each answer becomes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
import pytest

from matapalo.errors import NotFound, UpstreamRejected, UpstreamTimeout, UpstreamUnavailable
from matapalo.rest.client import MARGIN_S, OUTCOMES, Listing, Rest, service_of
from matapalo.rest.httpx_transport import HttpxTransport
from matapalo.rest.pool import Fetch, create_fetch
from matapalo.rest.pyreqwest_transport import PyreqwestTransport
from matapalo.rest.transport import Answer, AnswerTooLarge, Broken, Call, ConnectFailed, TimedOut
from tests.harness.asking import SETTINGS
from tests.harness.clock import FakeClock

IDENTITY = {"x-user-id": "cust_0001", "x-role": "customer", "x-request-id": "r1", "traceparent": "t1"}
ANONYMOUS = {"x-request-id": "r1", "traceparent": "t1"}


class Thing(msgspec.Struct):
    id: str


@dataclass
class Scripted:
    """A transport that answers one after the other what it was given; the last one for ever."""

    script: list[Any]
    calls: list[Call] = field(default_factory=list)
    gate: asyncio.Event | None = None
    on_call: Callable[[], None] = lambda: None

    async def send(self, call: Call) -> Answer:
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


def answer(status: int = 200, body: object = None, content_type: str = "application/json") -> Answer:
    return Answer(status, content_type, body if isinstance(body, bytes) else msgspec.json.encode(body))


@dataclass
class Setup:
    transport: Scripted
    clock: FakeClock
    fetch: Fetch
    observed: list[tuple[str, str, str]]

    def rest(self, headers: dict[str, str] = IDENTITY, deadline_in_s: float = 2.0) -> Rest:
        return self.fetch.bound(headers=headers, deadline_s=self.clock.monotonic_s() + deadline_in_s)


def setup(*script: Any, max_batch_ids: int = 200) -> Setup:
    transport, clock, observed = Scripted(list(script)), FakeClock(), []

    def observe(*, service: str, method: str, outcome: str, seconds: float) -> None:
        observed.append((service, method, outcome))

    return Setup(transport, clock, Fetch(transport, clock, max_batch_ids=max_batch_ids, observe=observe), observed)


# --- what is sent ---


async def test_a_get_carries_the_headers_and_only_the_parameters_that_are_set():
    s = setup(answer(body={"id": "1"}))
    found = await s.rest().get("/api/orders", {"customer_id": "a b&c", "limit": 5, "cursor": None}, into=Thing)
    assert found == Thing("1")
    [call] = s.transport.calls
    assert (call.method, call.target) == ("GET", "/api/orders?customer_id=a+b%26c&limit=5")
    assert call.headers == IDENTITY
    assert s.observed == [("orders", "GET", "ok")]


async def test_a_send_carries_json_and_the_idempotency_key():
    s = setup(answer(201, {"id": "1"}))
    assert await s.rest().send("POST", "/api/orders", {"a": 1}, into=Thing, idempotency_key="k") == Thing("1")
    [call] = s.transport.calls
    assert (call.method, call.target, call.body) == ("POST", "/api/orders", b'{"a":1}')
    assert call.headers == {**IDENTITY, "content-type": "application/json", "idempotency-key": "k"}


async def test_many_ids_are_split_and_the_rows_come_back_together():
    s = setup(answer(body={"items": [{"id": "1"}], "next_cursor": None}), max_batch_ids=2)
    rows = await s.rest().get_many("/api/orders", list("abcde"), into=Thing)
    assert rows == [Thing("1")] * 3
    assert [call.target for call in s.transport.calls] == [
        "/api/orders?ids=a,b", "/api/orders?ids=c,d", "/api/orders?ids=e",
    ]  # fmt: skip


async def test_one_failing_part_of_a_batch_fails_the_batch_and_cancels_the_rest():
    s = setup(answer(500), answer(body={"items": []}), max_batch_ids=1)
    with pytest.raises(UpstreamUnavailable):
        await s.rest().get_many("/api/orders", ["a", "b"], into=Thing)


async def test_no_ids_are_no_call():
    s = setup(answer())
    assert await s.rest().get_many("/api/orders", [], into=Thing) == []
    assert s.transport.calls == []


# --- what answers become ---

PROBLEM = {"type": "/problems/out-of-stock", "title": "Out of stock", "status": 409, "detail": "d", "shortages": [1]}


@pytest.mark.parametrize(
    ("given", "expected", "outcome"),
    [
        (answer(404, PROBLEM), NotFound, "not_found"),
        (answer(400, PROBLEM), UpstreamRejected, "rejected"),
        (answer(429, b"slow down", "text/plain"), UpstreamRejected, "rejected"),
        (answer(500), UpstreamUnavailable, "unavailable"),
        (answer(302), UpstreamUnavailable, "unavailable"),
        (answer(504), UpstreamTimeout, "timeout"),
        (answer(200, b"<html>secret</html>"), UpstreamUnavailable, "ok"),
        (answer(200, b'{"id": 7}'), UpstreamUnavailable, "ok"),
        (answer(200, b""), UpstreamUnavailable, "ok"),
        (answer(200, b'{"id": "\xff"}'), UpstreamUnavailable, "ok"),
        (TimedOut("at 10.0.0.1"), UpstreamTimeout, "timeout"),
        (Broken("at 10.0.0.1"), UpstreamUnavailable, "unavailable"),
        (AnswerTooLarge("at 10.0.0.1"), UpstreamUnavailable, "unavailable"),
    ],
)
async def test_every_useless_answer_is_an_error_that_names_service_and_path_only(given, expected, outcome):
    s = setup(given)
    with pytest.raises(expected) as caught:
        await s.rest().get("/api/orders/ord_1", into=Thing)
    assert "orders" in caught.value.message
    assert "/api/orders/ord_1" in caught.value.message
    assert "secret" not in caught.value.message
    assert "10.0.0.1" not in caught.value.message
    assert s.observed == [("orders", "GET", outcome)]
    assert outcome in OUTCOMES
    assert len(s.transport.calls) == 1


async def test_what_a_service_rejects_is_a_problem_for_our_code():
    s = setup(answer(409, PROBLEM, "application/problem+json; charset=utf-8"))
    with pytest.raises(UpstreamRejected) as caught:
        await s.rest().send("POST", "/api/orders", {}, into=Thing, idempotency_key="k")
    problem = caught.value.problem
    assert (problem.status, problem.slug, problem.title, problem.detail) == (409, "out-of-stock", "Out of stock", "d")
    assert problem.members == {"shortages": [1]}


async def test_a_404_to_a_write_is_rejected_too():
    s = setup(answer(404, PROBLEM))
    with pytest.raises(UpstreamRejected):
        await s.rest().send("POST", "/api/orders/x/confirm", {}, into=Thing, idempotency_key="k")


# --- deadline ---


async def test_a_call_may_take_what_is_left_of_the_deadline_less_the_margin():
    s = setup(answer(body={"id": "1"}))
    rest = s.rest(deadline_in_s=2.0)
    await rest.get("/api/orders/1", into=Thing)
    s.clock.advance(1.5)
    await rest.get("/api/orders/2", into=Thing)
    assert [call.timeout_s for call in s.transport.calls] == pytest.approx([2.0 - MARGIN_S, 0.5 - MARGIN_S])


async def test_past_the_deadline_nothing_is_sent():
    s = setup(answer(body={"id": "1"}))
    rest = s.rest(deadline_in_s=1.0)
    s.clock.advance(1.0)
    with pytest.raises(UpstreamTimeout, match="orders: no time left for GET /api/orders/1"):
        await rest.get("/api/orders/1", into=Thing)
    assert s.transport.calls == []
    assert s.observed == [("orders", "GET", "timeout")]


# --- repetition ---


@pytest.mark.parametrize("first", [ConnectFailed("refused"), answer(502), answer(503)])
async def test_a_read_that_reached_nothing_is_repeated_once(first):
    s = setup(first, answer(body={"id": "1"}))
    assert await s.rest().get("/api/orders/1", into=Thing) == Thing("1")
    assert len(s.transport.calls) == 2


@pytest.mark.parametrize("always", [ConnectFailed("refused"), answer(503)])
async def test_and_not_twice(always):
    s = setup(always)
    with pytest.raises(UpstreamUnavailable):
        await s.rest().get("/api/orders/1", into=Thing)
    assert len(s.transport.calls) == 2


async def test_nor_when_the_deadline_leaves_no_time():
    s = setup(answer(503))
    rest = s.rest(deadline_in_s=1.0)
    s.transport.on_call = lambda: s.clock.advance(0.895)
    with pytest.raises(UpstreamUnavailable, match="orders answered 503"):
        await rest.get("/api/orders/1", into=Thing)
    assert len(s.transport.calls) == 1


@pytest.mark.parametrize("first", [ConnectFailed("refused"), answer(503)])
async def test_a_write_is_never_repeated(first):
    s = setup(first)
    with pytest.raises(UpstreamUnavailable):
        await s.rest().send("POST", "/api/orders", {}, into=Thing, idempotency_key="k")
    assert len(s.transport.calls) == 1


# --- sharing ---


async def together(s: Setup, *reads: Any) -> list[Any]:
    """The results of reads that are all under way before the first is answered."""
    s.transport.gate = asyncio.Event()
    tasks = [asyncio.ensure_future(read) for read in reads]
    for _ in range(5):
        await asyncio.sleep(0)
    s.transport.gate.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_equal_reads_of_one_operation_are_one_call():
    s = setup(answer(body={"id": "1"}))
    rest = s.rest()
    results = await together(s, *(rest.get("/api/orders/1", into=Thing) for _ in range(3)))
    assert results == [Thing("1")] * 3
    assert len(s.transport.calls) == 1


async def test_a_read_after_the_answer_is_a_new_call():
    s = setup(answer(body={"id": "1"}))
    rest = s.rest()
    await rest.get("/api/orders/1", into=Thing)
    await rest.get("/api/orders/1", into=Thing)
    assert len(s.transport.calls) == 2


async def test_reads_of_two_operations_share_a_call_only_when_both_are_anonymous_and_routed_alike():
    async def calls(one: dict[str, str], other: dict[str, str]) -> int:
        s = setup(answer(body={"id": "1"}))
        await together(s, *(s.rest(headers).get("/api/products/1", into=Thing) for headers in (one, other)))
        return len(s.transport.calls)

    assert await calls(ANONYMOUS, {"x-request-id": "r2", "traceparent": "t2"}) == 1
    assert await calls(ANONYMOUS, {**ANONYMOUS, "x-canary": "beta"}) == 2
    assert await calls(IDENTITY, IDENTITY) == 2
    assert await calls(IDENTITY, ANONYMOUS) == 2


async def test_a_shared_failure_reaches_everybody():
    s = setup(answer(500))
    rest = s.rest()
    results = await together(s, *(rest.get("/api/orders/1", into=Thing) for _ in range(2)))
    assert [type(result) for result in results] == [UpstreamUnavailable] * 2


async def test_cancelling_one_of_two_readers_leaves_the_call_and_cancelling_both_ends_it():
    s = setup(answer(body={"id": "1"}))
    rest = s.rest()
    s.transport.gate = asyncio.Event()
    one, other = (asyncio.ensure_future(rest.get("/api/orders/1", into=Thing)) for _ in range(2))
    for _ in range(3):
        await asyncio.sleep(0)
    one.cancel()
    s.transport.gate.set()
    assert await other == Thing("1")

    s.transport.gate.clear()
    last = asyncio.ensure_future(rest.get("/api/orders/1", into=Thing))
    for _ in range(3):
        await asyncio.sleep(0)
    last.cancel()
    with pytest.raises(asyncio.CancelledError):
        await last
    await asyncio.sleep(0)
    assert s.observed[-1] == ("orders", "GET", "cancelled")


# --- wiring ---


async def test_a_transport_of_httpx_takes_the_place_of_the_network():
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"items": [{"id": request.url.path}]}))
    fetch = create_fetch(SETTINGS, FakeClock(), transport=transport)
    found = await fetch.bound(headers=IDENTITY, deadline_s=110.0).get("/api/orders", into=Listing[Thing])
    assert found.items == [Thing("/api/orders")]
    await fetch.aclose()


@pytest.mark.parametrize(("setting", "chosen"), [("pyreqwest", PyreqwestTransport), ("httpx", HttpxTransport)])
async def test_the_client_is_the_one_that_the_settings_name(setting, chosen):
    fetch = create_fetch(SETTINGS.model_copy(update={"http_client": setting}), FakeClock())
    assert type(fetch._transport) is chosen
    await fetch.aclose()


def test_the_service_is_the_segment_after_api():
    assert service_of("/api/orders/by-customer") == "orders"
