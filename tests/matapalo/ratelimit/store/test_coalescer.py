"""Calls of one turn of the loop travel together; nothing is sent twice; the breaker stands in front."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from matapalo.process.clock import SystemClock
from matapalo.ratelimit.store.circuit_breaker import OPEN_S, Breaker
from matapalo.ratelimit.store.coalescer import LANES, MOST, Coalescer
from matapalo.ratelimit.store.ports import Call, StoreUnavailable
from tests.harness.clock import FakeClock
from tests.harness.limits import MemoryStore
from tests.harness.waiting import eventually


class EchoStore(MemoryStore):
    """Answers each call with its key; holds batches back until it is told."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.gate = asyncio.Event()
        self.gate.set()
        self.keys: list[str] = []

    async def run(self, calls: Sequence[Call]) -> Sequence[Any]:
        self._check()
        self.batches.append(len(calls))
        self.keys += [call.key for call in calls]
        await self.gate.wait()
        return [ValueError("bad") if call.key == "bad" else call.key for call in calls]


def call(key: str) -> Call:
    return Call("reserve", key, ())


def coalescer(store: EchoStore, clock: FakeClock | None = None, timeout_s: float = 5.0) -> Coalescer:
    return Coalescer(store, clock or FakeClock(), timeout_s=timeout_s)


async def test_calls_of_one_turn_are_one_batch_and_each_gets_its_answer() -> None:
    store = EchoStore()
    calls = coalescer(store)
    answers = await asyncio.gather(*(calls.ask(call(f"k{number}")) for number in range(32)))
    assert answers == [f"k{number}" for number in range(32)]
    assert store.batches == [32]


async def test_batches_and_those_under_way_are_bounded() -> None:
    store = EchoStore()
    store.gate.clear()
    calls = coalescer(store)
    asking = [asyncio.create_task(calls.ask(call(str(number)))) for number in range(MOST * (LANES + 2))]
    await eventually(lambda: len(store.batches) == LANES, message="every lane is busy")
    assert store.batches == [MOST] * LANES
    store.gate.set()
    assert await asyncio.gather(*asking) == [str(number) for number in range(MOST * (LANES + 2))]


async def test_one_bad_answer_fails_one_call() -> None:
    calls = coalescer(EchoStore())
    asking = [calls.ask(call(key)) for key in ("good", "bad")]
    good, bad = await asyncio.gather(*asking, return_exceptions=True)
    assert good == "good"
    assert isinstance(bad, StoreUnavailable)


async def test_what_is_not_answered_in_time_fails_and_is_not_sent_again() -> None:
    store = EchoStore()
    store.gate.clear()
    calls = coalescer(store, timeout_s=0.01)
    with pytest.raises(StoreUnavailable, match=r"no answer within 0\.01 s"):
        await calls.ask(call("slow"))
    await calls.drain()
    assert store.keys == ["slow"]


async def test_after_five_failures_the_store_is_left_alone_until_one_probe_succeeds() -> None:
    store, clock = EchoStore(), FakeClock()
    calls = coalescer(store, clock)
    store.is_away = True
    for _ in range(5):
        with pytest.raises(StoreUnavailable, match="the test says so"):
            await calls.ask(call("k"))
    with pytest.raises(StoreUnavailable, match="did not answer lately"):
        await calls.ask(call("k"))
    store.is_away = False
    clock.advance(OPEN_S)
    asking = [calls.ask(call(key)) for key in ("a", "b")]
    probe, other = await asyncio.gather(*asking, return_exceptions=True)
    assert probe == "a"
    assert isinstance(other, StoreUnavailable)
    assert await calls.ask(call("c")) == "c"


async def test_what_is_told_is_sent_and_nobody_waits() -> None:
    store = EchoStore()
    calls = coalescer(store)
    calls.tell(call("a"))
    calls.tell(call("b"))
    await calls.drain()
    assert store.batches == [2]


async def test_an_answer_to_nobody_is_handed_over() -> None:
    store = EchoStore()
    store.gate.clear()
    calls, late = coalescer(store), list[str]()
    asking = asyncio.create_task(calls.ask(call("gone"), abandoned=late.append))
    await eventually(lambda: store.keys == ["gone"], message="it is sent")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    store.gate.set()
    await calls.drain()
    assert late == ["gone"]


async def test_a_stalled_loop_does_not_pass_for_a_stalled_store() -> None:
    """The answer came while something else kept the loop busy past the time-out: it is taken."""
    store = EchoStore()
    store.gate.clear()
    calls = coalescer(store, timeout_s=0.02)
    loop = asyncio.get_running_loop()
    asking = asyncio.create_task(calls.ask(call("k")))
    for _ in range(5):
        await asyncio.sleep(0)
    assert store.keys == ["k"]
    until = loop.time() + 0.04
    while loop.time() < until:
        pass
    loop.call_soon(store.gate.set)
    assert await asking == "k"


def test_failures_that_are_far_apart_do_not_open_the_breaker() -> None:
    breaker = Breaker()
    for second in range(20):
        breaker.failed(float(second))
    assert not breaker.is_open


def test_a_failed_probe_keeps_it_open() -> None:
    breaker = Breaker()
    breaker.failed(0.0, calls=5)
    assert not breaker.allows(0.5)
    assert breaker.allows(1.0)
    assert not breaker.allows(1.5)
    breaker.failed(1.6)
    assert not breaker.allows(2.5)
    assert breaker.allows(2.6)
    breaker.succeeded()
    assert breaker.allows(2.6)
