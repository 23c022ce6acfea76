"""Equal reads that are under way at the same time share one call.

A shared call runs in a task of its own: cancelling one of those who wait for it disturbs no other; when the last one is
gone, the call is cancelled. Nothing is remembered: the next read after the answer is a new call.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class _Shared:
    __slots__ = ("task", "waiters")

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self.task = task
        self.waiters = 0


class InFlight:
    """Calls under way, by key."""

    def __init__(self) -> None:
        self._shared: dict[Hashable, _Shared] = {}

    async def join(self, key: Hashable, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of the call under ``key``, which ``start`` makes unless one is under way."""
        shared = self._shared.get(key)
        if shared is None:
            shared = self._shared[key] = _Shared(asyncio.get_running_loop().create_task(start()))
            shared.task.add_done_callback(lambda task: self._forget(key, task))
        shared.waiters += 1
        try:
            return await asyncio.shield(shared.task)
        finally:
            shared.waiters -= 1
            if shared.waiters == 0 and not shared.task.done():
                self._shared.pop(key, None)
                shared.task.cancel()

    def _forget(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        shared = self._shared.get(key)
        if shared is not None and shared.task is task:
            del self._shared[key]
        if not task.cancelled():
            task.exception()  # seen: those who wait raise it themselves
