"""How a process is asked to stop: SIGTERM and SIGINT set an event, which the work waits for."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stop_signal() -> Iterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stopping.set)
    try:
        yield stopping
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def unless_stopped(stopping: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """The result of ``work``; None, and ``work`` is cancelled, when the process has to stop first."""
    task = asyncio.create_task(work)
    await until_stopped(stopping, task)
    if task.done():
        return task.result()
    await cancel(task)
    return None


async def until_stopped(stopping: asyncio.Event, *tasks: asyncio.Task[Any]) -> None:
    """Wait until the process has to stop, or until one of ``tasks`` ends by itself."""
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait({stop, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    await cancel(stop)


async def cancel(*tasks: asyncio.Task[Any]) -> None:
    """Cancel ``tasks`` and wait until they have ended; how they ended does not matter any more."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
