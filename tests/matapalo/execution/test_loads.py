"""Loads of one operation: what is batched, what is remembered, and what a cancelled waiter does to the others."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from matapalo.execution.loads import Loads


class Source:
    """A load that records its batches; results wait for ``gate`` when there is one."""

    def __init__(self, *, gated: bool = False) -> None:
        self.batches: list[tuple[Any, ...]] = []
        self.cancelled = 0
        self.gate = asyncio.Event()
        if not gated:
            self.gate.set()

    async def load(self, context: object, keys: Sequence[Any], *, suffix: str = "") -> list[Any]:
        self.batches.append(tuple(keys))
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return [ValueError(key) if str(key).startswith("bad") else f"<{key}{suffix}>" for key in keys]


async def settled(*tasks: asyncio.Future[Any]) -> None:
    """Let everything that can run without the gate run."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_keys_of_one_tick_are_one_call():
    source, loads = Source(), Loads(None)
    results = await asyncio.gather(
        loads.many(source.load, ["a", "b"]), loads.many(source.load, ["b", "c"]), loads.many(source.load, [])
    )
    assert list(results) == [["<a>", "<b>"], ["<b>", "<c>"], []]
    assert source.batches == [("a", "b", "c")]


async def test_single_loads_and_batches_share_one_cache():
    source, loads = Source(), Loads(None)
    assert await asyncio.gather(*(loads.one(source.load, key) for key in "abab")) == ["<a>", "<b>", "<a>", "<b>"]
    assert await loads.many(source.load, ["b", "a"]) == ["<b>", "<a>"]
    assert await loads.one(source.load, "a") == "<a>"
    assert source.batches == [("a", "b")]


async def test_single_loads_of_several_tasks_in_one_tick_are_one_call():
    source, loads = Source(), Loads(None)

    async def ask(key: str) -> Any:
        return await loads.one(source.load, key)

    assert await asyncio.gather(*(ask(key) for key in "abc")) == ["<a>", "<b>", "<c>"]
    assert source.batches == [("a", "b", "c")]


async def test_a_key_that_is_being_loaded_is_joined():
    source, loads = Source(gated=True), Loads(None)
    first = asyncio.ensure_future(loads.many(source.load, ["a"]))
    await settled()
    second = asyncio.ensure_future(loads.many(source.load, ["a", "b"]))
    await settled()
    source.gate.set()
    assert await first == ["<a>"]
    assert await second == ["<a>", "<b>"]
    assert source.batches == [("a",), ("b",)]


async def test_arguments_are_part_of_the_identity_whatever_their_order():
    calls: list[Any] = []

    async def load(context: object, keys: Sequence[str], *, first: int, after: str) -> list[str]:
        calls.append((first, after))
        return list(keys)

    loads = Loads(None)
    await loads.many(load, ["a"], {"first": 1, "after": "x"})
    await loads.many(load, ["a"], {"after": "x", "first": 1})
    await loads.many(load, ["a"], {"after": "y", "first": 1})
    assert calls == [(1, "x"), (1, "y")]


async def test_unhashable_arguments_are_refused_by_name():
    source, loads = Source(), Loads(None)
    with pytest.raises(TypeError, match=r"Source\.load must be hashable, got \{'suffix': \[\]\}"):
        await loads.many(source.load, ["a"], {"suffix": []})


async def test_the_context_reaches_the_load():
    async def load(context: object, keys: Sequence[str]) -> list[object]:
        return [context for _ in keys]

    assert await Loads("the context").many(load, ["a"]) == ["the context"]


async def test_an_exception_in_the_place_of_a_key_fails_that_key_only():
    source, loads = Source(), Loads(None)
    singles: list[Any] = [loads.one(source.load, key) for key in ("a", "bad")]
    good, bad = await asyncio.gather(*singles, return_exceptions=True)
    assert good == "<a>"
    assert isinstance(bad, ValueError)
    values = await loads.many(source.load, ["a", "bad"])
    assert values[0] == "<a>"
    assert values[1] is bad
    with pytest.raises(ValueError, match="bad"):
        await loads.one(source.load, "bad")


async def test_a_load_that_raises_fails_its_keys_once_and_for_all():
    calls = 0

    async def load(context: object, keys: Sequence[str]) -> list[str]:
        nonlocal calls
        calls += 1
        raise LookupError("down")

    loads = Loads(None)
    for _ in range(2):
        with pytest.raises(LookupError, match="down"):
            await loads.one(load, "a")
    assert [type(value) for value in await loads.many(load, ["a"])] == [LookupError]
    assert calls == 1


async def test_the_wrong_number_of_values_is_an_error_of_the_load():
    async def short(context: object, keys: Sequence[str]) -> list[str]:
        return ["only one"]

    [error, _] = await Loads(None).many(short, ["a", "b"])
    assert isinstance(error, TypeError)
    assert "short returned 1 values for 2 keys" in str(error)


async def test_cancelling_one_waiter_leaves_the_others_alone():
    source, loads = Source(gated=True), Loads(None)
    first, second = (asyncio.ensure_future(loads.many(source.load, ["a", "b"])) for _ in range(2))
    single, sibling = loads.one(source.load, "a"), loads.one(source.load, "a")
    await settled()
    first.cancel()
    asyncio.ensure_future(single).cancel()
    await settled()
    source.gate.set()
    assert await second == ["<a>", "<b>"]
    assert await sibling == "<a>"
    assert await loads.one(source.load, "a") == "<a>"
    assert source.batches == [("a", "b")]
    assert source.cancelled == 0


async def test_a_load_is_cancelled_with_its_last_waiter():
    source, loads = Source(gated=True), Loads(None)
    waiters = [asyncio.ensure_future(loads.many(source.load, ["a"])) for _ in range(2)]
    await settled()
    for waiter in waiters:
        waiter.cancel()
    await settled()
    assert source.cancelled == 1
    source.gate.set()
    assert await loads.many(source.load, ["a"]) == ["<a>"]
    assert source.batches == [("a",), ("a",)]


async def test_a_load_is_cancelled_with_its_last_single_load():
    source, loads = Source(gated=True), Loads(None)
    waiters = [asyncio.ensure_future(loads.one(source.load, key)) for key in "aab"]
    await settled()
    for waiter in waiters[:2]:
        waiter.cancel()
    await settled()
    assert source.cancelled == 0
    waiters[2].cancel()
    await settled()
    assert source.cancelled == 1
    source.gate.set()
    assert await loads.one(source.load, "a") == "<a>"


async def test_loads_given_up_before_they_began_are_never_made():
    source, loads = Source(), Loads(None)
    singles = [asyncio.ensure_future(loads.one(source.load, key)) for key in "ab"]
    many = asyncio.ensure_future(loads.many(source.load, ["c"]))
    await asyncio.sleep(0)
    for waiter in (*singles, many):
        waiter.cancel()
    await settled()
    assert source.batches == []
    assert await loads.many(source.load, ["a", "c"]) == ["<a>", "<c>"]


async def test_a_load_that_is_cancelled_from_within_is_an_error():
    async def load(context: object, keys: Sequence[str]) -> list[str]:
        raise asyncio.CancelledError

    [error] = await Loads(None).many(load, ["a"])
    assert isinstance(error, RuntimeError)
    assert "load was cancelled" in str(error)


async def test_after_clear_values_are_loaded_again():
    source, loads = Source(gated=True), Loads(None)
    waiting = asyncio.ensure_future(loads.many(source.load, ["a"]))
    await settled()
    loads.clear()
    source.gate.set()
    assert await loads.many(source.load, ["a"]) == ["<a>"]
    assert await waiting == ["<a>"]
    assert source.batches == [("a",), ("a",)]
