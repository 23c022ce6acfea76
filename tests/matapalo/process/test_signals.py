"""A process that is asked to stop stops waiting, whatever it waits for."""

import asyncio
import os
import signal

import pytest

from matapalo.process.signals import cancel, stop_signal, unless_stopped, until_stopped


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_wait(number: signal.Signals) -> None:
    with stop_signal() as stopping:
        os.kill(os.getpid(), number)
        async with asyncio.timeout(5):
            assert await unless_stopped(stopping, asyncio.Event().wait()) is None


async def test_work_that_ends_first_gives_its_result() -> None:
    async def work() -> str:
        return "connected"

    assert await unless_stopped(asyncio.Event(), work()) == "connected"


async def test_work_that_fails_raises() -> None:
    async def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await unless_stopped(asyncio.Event(), work())


async def test_the_first_task_that_ends_ends_the_wait() -> None:
    endless = asyncio.create_task(asyncio.Event().wait())
    short = asyncio.create_task(asyncio.sleep(0))
    await until_stopped(asyncio.Event(), endless, short)
    assert (short.done(), endless.done()) == (True, False)
    await cancel(endless)
    assert endless.cancelled()
