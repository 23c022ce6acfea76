"""Work whose caller is cancelled goes on, and its result is not lost."""

import asyncio

import pytest

from matapalo.process.cancellation import to_the_end


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
