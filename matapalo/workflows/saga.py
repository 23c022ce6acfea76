"""What has to be undone when a workflow cannot go on, and doing so whatever happens meanwhile.

A compensation is registered before its step, because a step that failed may still have had its effect; so each one
must be harmless when there is nothing to undo. They run in reverse. One that cannot succeed does not stop the others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Compensation:
    """``attempt`` tries for a while and says whether it succeeded; ``insist`` tries until it does."""

    attempt: Callable[[], Awaitable[bool]]
    insist: Callable[[], Awaitable[None]]


class Saga:
    """The compensations of the steps so far."""

    def __init__(self) -> None:
        self._registered: list[Compensation] = []

    def register(self, compensation: Compensation) -> None:
        """Call it before the step that ``compensation`` undoes."""
        self._registered.append(compensation)

    def pivot(self) -> None:
        """From here on the only way is forward."""
        self._registered.clear()

    async def undo(self, *, when_stuck: Callable[[], None]) -> None:
        """Run every compensation, the last one first; those that fail once more, after ``when_stuck``, for ever."""
        stuck = [each for each in reversed(self._registered) if not await each.attempt()]
        self._registered.clear()
        if stuck:
            when_stuck()
        for compensation in stuck:
            await compensation.insist()


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``, which goes on when the caller is cancelled meanwhile; the cancellation is dropped."""
    task = asyncio.ensure_future(work)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise
    return task.result()
