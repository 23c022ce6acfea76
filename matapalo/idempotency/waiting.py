"""Waiting for a key that somebody else has in hand: one poll a key and process, however many wait.

An owner in this process says when it is done (`notify`), one elsewhere is found by polling. How many may wait is
bounded; whoever is over that is told at once that the key is in progress.
"""

import asyncio
from collections.abc import Awaitable, Callable

from matapalo.idempotency.records import StoreUnavailable

MAX_WAITING = 512
_FIRST_POLL_S = 0.02
_SLOWEST_POLL_S = 0.2


class Waiting:
    """``is_held`` asks the store about one key."""

    def __init__(self, is_held: Callable[[str], Awaitable[bool]], *, most: int = MAX_WAITING) -> None:
        self._is_held = is_held
        self._most = most
        self._watched: dict[str, _Watch] = {}
        self._count = 0

    async def until_free(self, record_id: str, until_s: float) -> bool:
        """Whether to begin again is worth while; False when ``until_s`` (the loop's time) comes, or too many wait."""
        loop = asyncio.get_running_loop()
        if self._count >= self._most or until_s <= loop.time():
            return False
        watch = self._watched.get(record_id)
        if watch is None:
            watch = self._watched[record_id] = _Watch()
            watch.task = loop.create_task(self._poll(record_id, watch))
        self._count += 1
        watch.waiters += 1
        try:
            async with asyncio.timeout_at(until_s):
                await watch.free.wait()
        except TimeoutError:
            return False
        finally:
            self._count -= 1
            watch.waiters -= 1
            if watch.waiters == 0:
                self._forget(record_id, watch)
        return True

    def notify(self, record_id: str) -> None:
        """The owner of the key, in this process, is done with it."""
        watch = self._watched.get(record_id)
        if watch is not None:
            watch.hurry.set()

    async def _poll(self, record_id: str, watch: "_Watch") -> None:
        pause_s = _FIRST_POLL_S
        try:
            while await self._is_held(record_id):
                try:
                    async with asyncio.timeout(pause_s):
                        await watch.hurry.wait()
                    watch.hurry.clear()
                    pause_s = _FIRST_POLL_S
                except TimeoutError:
                    pause_s = min(pause_s * 1.5, _SLOWEST_POLL_S)
        except StoreUnavailable:
            pass  # whoever waits finds out by itself
        self._forget(record_id, watch)
        watch.free.set()

    def _forget(self, record_id: str, watch: "_Watch") -> None:
        if self._watched.get(record_id) is watch:
            del self._watched[record_id]
        if watch.waiters == 0 and watch.task is not None and not watch.free.is_set():
            watch.task.cancel()


class _Watch:
    """Those who wait for one key."""

    __slots__ = ("free", "hurry", "task", "waiters")

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.hurry = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.waiters = 0
