"""Undoing: everything, in reverse, whatever happens meanwhile."""

import asyncio

import pytest

from matapalo.workflows.saga import Compensation, Saga, to_the_end


class Undone:
    """Compensations that write down what they do; those in ``failing`` need one insistence."""

    def __init__(self, *failing: str) -> None:
        self.done: list[str] = []
        self.failing = set(failing)

    def of(self, name: str) -> Compensation:
        async def attempt() -> bool:
            if name in self.failing:
                self.done.append(f"{name} failed")
                return False
            self.done.append(name)
            return True

        async def insist() -> None:
            self.done.append(name)

        return Compensation(attempt, insist)


async def test_what_was_registered_last_is_undone_first():
    saga, undone = Saga(), Undone()
    for name in ("create", "reserve", "charge"):
        saga.register(undone.of(name))
    await saga.undo(when_stuck=lambda: undone.done.append("stuck"))
    assert undone.done == ["charge", "reserve", "create"]


async def test_one_that_fails_does_not_stop_the_others_and_is_insisted_on_afterwards():
    saga, undone = Saga(), Undone("charge")
    for name in ("create", "charge"):
        saga.register(undone.of(name))
    await saga.undo(when_stuck=lambda: undone.done.append("stuck"))
    assert undone.done == ["charge failed", "create", "stuck", "charge"]


async def test_nothing_is_undone_after_the_pivot_nor_twice():
    saga, undone = Saga(), Undone()
    saga.register(undone.of("create"))
    saga.pivot()
    saga.register(undone.of("ship"))
    await saga.undo(when_stuck=lambda: None)
    await saga.undo(when_stuck=lambda: None)
    assert undone.done == ["ship"]


async def test_work_goes_on_to_the_end_when_its_caller_is_cancelled():
    gate, done = asyncio.Event(), []

    async def work() -> str:
        await gate.wait()
        done.append("worked")
        return "result"

    caller = asyncio.create_task(to_the_end(work()))
    for _ in range(3):
        await asyncio.sleep(0)
        caller.cancel()
    await asyncio.sleep(0)
    assert not caller.done()
    gate.set()
    assert await caller == "result"
    assert done == ["worked"]


async def test_an_error_of_the_work_reaches_the_caller():
    async def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await to_the_end(work())
