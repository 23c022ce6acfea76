"""Calls of one turn of the loop travel together; nothing is sent twice; the circuit breaker stands in front."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from matapalo.process.clock import SystemClock
from matapalo.ratelimit.store.circuit_breaker import OPEN_S
from matapalo.ratelimit.store.coalescer import MAX_BATCHES, MAX_CALLS, Coalescer
from matapalo.ratelimit.store.ports import Call, StoreUnavailable
from tests.harness.clock import FakeClock
from tests.harness.eventually import eventually
from tests.harness.limits import MemoryStore


class EchoStore(MemoryStore):
    """Returns the key of each call; holds batches back until the gate opens."""

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


async def test_calls_of_one_turn_are_one_batch() -> None:
    store = EchoStore()
    calls = coalescer(store)
    results = await asyncio.gather(*(calls.run(call(f"k{number}")) for number in range(32)))
    assert results == [f"k{number}" for number in range(32)]
    assert store.batches == [32]


async def test_batches_and_those_under_way_are_bounded() -> None:
    store = EchoStore()
    store.gate.clear()
    calls = coalescer(store)
    pending = [asyncio.create_task(calls.run(call(str(number)))) for number in range(MAX_CALLS * (MAX_BATCHES + 2))]
    await eventually(lambda: len(store.batches) == MAX_BATCHES, message="all batches are under way")
    assert store.batches == [MAX_CALLS] * MAX_BATCHES
    store.gate.set()
    assert await asyncio.gather(*pending) == [str(number) for number in range(MAX_CALLS * (MAX_BATCHES + 2))]


async def test_one_bad_result_fails_one_call() -> None:
    calls = coalescer(EchoStore())
    pending = [calls.run(call(key)) for key in ("good", "bad")]
    good, bad = await asyncio.gather(*pending, return_exceptions=True)
    assert good == "good"
    assert isinstance(bad, StoreUnavailable)


async def test_a_call_that_times_out_is_not_sent_again() -> None:
    store = EchoStore()
    store.gate.clear()
    calls = coalescer(store, timeout_s=0.01)
    with pytest.raises(StoreUnavailable, match=r"no response within 0\.01 s"):
        await calls.run(call("slow"))
    await calls.drain()
    assert store.keys == ["slow"]


async def test_after_five_failures_only_a_probe_is_sent() -> None:
    store, clock = EchoStore(), FakeClock()
    calls = coalescer(store, clock)
    store.is_away = True
    for _ in range(5):
        with pytest.raises(StoreUnavailable, match="the test says so"):
            await calls.run(call("k"))
    with pytest.raises(StoreUnavailable, match="circuit breaker is open"):
        await calls.run(call("k"))
    store.is_away = False
    clock.advance(OPEN_S)
    pending = [calls.run(call(key)) for key in ("a", "b")]
    probe, other = await asyncio.gather(*pending, return_exceptions=True)
    assert probe == "a"
    assert isinstance(other, StoreUnavailable)
    assert await calls.run(call("c")) == "c"


async def test_what_is_posted_is_sent_without_waiting() -> None:
    store = EchoStore()
    calls = coalescer(store)
    calls.post(call("a"))
    calls.post(call("b"))
    await calls.drain()
    assert store.batches == [2]


async def test_the_result_of_a_cancelled_caller_is_handed_over() -> None:
    store = EchoStore()
    store.gate.clear()
    calls, late = coalescer(store), list[str]()
    pending = asyncio.create_task(calls.run(call("gone"), on_abandoned=late.append))
    await eventually(lambda: store.keys == ["gone"], message="it is sent")
    pending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pending
    store.gate.set()
    await calls.drain()
    assert late == ["gone"]


async def test_a_stalled_loop_does_not_pass_for_a_stalled_store() -> None:
    """The response came while something else kept the loop busy past the timeout: it is taken."""
    store = EchoStore()
    store.gate.clear()
    calls = coalescer(store, timeout_s=0.02)
    loop = asyncio.get_running_loop()
    pending = asyncio.create_task(calls.run(call("k")))
    for _ in range(5):
        await asyncio.sleep(0)
    assert store.keys == ["k"]
    until = loop.time() + 0.04
    while loop.time() < until:
        pass
    loop.call_soon(store.gate.set)
    assert await pending == "k"
