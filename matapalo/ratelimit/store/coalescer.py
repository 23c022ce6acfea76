"""Calls made in one turn of the event loop go to the store in one write; the CPU of a call halves under load.

At most `LANES` batches are under way, each of at most `MOST` calls; what comes meanwhile forms the next batch. A batch
that is not answered within the time-out fails as a whole, and nothing is sent a second time. The breaker stands in
front: while it is open, a call fails at once.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from matapalo.process.clock import Clock
from matapalo.ratelimit.store.circuit_breaker import Breaker
from matapalo.ratelimit.store.ports import Call, Store, StoreUnavailable

MOST = 128
LANES = 4
# A stall of the event loop must not pass for one of the store: answers that have come meanwhile are read first.
GRACE_S = 0.005

Abandoned = Callable[[Any], None]


class Waiting(msgspec.Struct):
    """A call, who waits for the answer, and who takes it when they have gone."""

    call: Call
    future: "asyncio.Future[Any] | None" = None
    abandoned: Abandoned | None = None


class Coalescer:
    """``on_failure`` hears of failed calls (why, how many), ``on_success`` of every good batch."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        timeout_s: float,
        on_failure: Callable[[str, int], None] = lambda reason, calls: None,
        on_success: Callable[[], None] = lambda: None,
    ) -> None:
        self.breaker = Breaker()
        self._store = store
        self._clock = clock
        self._timeout_s = timeout_s
        self._on_failure = on_failure
        self._on_success = on_success
        self._waiting: list[Waiting] = []
        self._is_scheduled = False
        self._batches: set[asyncio.Task[None]] = set()
        self._late: set[asyncio.Task[None]] = set()

    async def ask(self, call: Call, *, abandoned: Abandoned | None = None) -> Any:
        """The answer. Raises `StoreUnavailable`. ``abandoned`` gets what comes after the caller was cancelled."""
        if not self.breaker.allows(self._clock.monotonic_s()):
            raise StoreUnavailable("it did not answer lately")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._enqueue(Waiting(call, future, abandoned))
        return await future

    def tell(self, call: Call) -> None:
        """Send it with the next batch and forget about it."""
        if self.breaker.is_open:
            self._on_failure("unsent", 0)
        else:
            self._enqueue(Waiting(call))

    async def drain(self) -> None:
        """Wait until everything that was asked and told has been answered or has failed."""
        self._flush()
        while self._batches:
            await asyncio.gather(*self._batches, return_exceptions=True)

    def _enqueue(self, waiting: Waiting) -> None:
        self._waiting.append(waiting)
        if not self._is_scheduled and len(self._batches) < LANES:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._is_scheduled = False
        while self._waiting and len(self._batches) < LANES:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            task = asyncio.create_task(self._run(batch))
            self._batches.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._batches.discard(task)
        self._late.discard(task)
        if self._waiting:
            self._flush()

    async def _run(self, batch: list[Waiting]) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - only ever run as one
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._timeout_s, lambda: loop.call_later(GRACE_S, self._give_up, task))
        try:
            replies = await self._store.run([one.call for one in batch])
        except StoreUnavailable as error:
            self._fail(batch, "unavailable", error)
        except asyncio.CancelledError:
            self._fail(batch, "timeout", StoreUnavailable(f"no answer within {self._timeout_s:g} s"))
            if task not in self._late:
                raise
        except Exception as error:
            self._fail(batch, "bug", StoreUnavailable(repr(error)))
            raise
        else:
            self._deliver(batch, replies)
        finally:
            timer.cancel()

    def _give_up(self, task: "asyncio.Task[None]") -> None:
        if not task.done():
            self._late.add(task)
            task.cancel()

    def _deliver(self, batch: list[Waiting], replies: Any) -> None:
        errors = 0
        for one, reply in zip(batch, replies, strict=True):
            if isinstance(reply, Exception):
                errors += 1
                _refuse(one.future, StoreUnavailable(str(reply)))
            elif one.future is not None and not one.future.done():
                one.future.set_result(reply)
            elif one.abandoned is not None:
                one.abandoned(reply)
        if errors:
            self._count_failure("error", errors)
        else:
            self.breaker.succeeded()
            self._on_success()

    def _fail(self, batch: list[Waiting], reason: str, error: StoreUnavailable) -> None:
        self._count_failure(reason, len(batch))
        for one in batch:
            _refuse(one.future, error)

    def _count_failure(self, reason: str, calls: int) -> None:
        self.breaker.failed(self._clock.monotonic_s(), calls)
        self._on_failure(reason, calls)


def _refuse(future: "asyncio.Future[Any] | None", error: StoreUnavailable) -> None:
    if future is not None and not future.done():
        future.set_exception(error)
