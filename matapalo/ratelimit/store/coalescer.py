"""Coalescing: calls made in one turn of the event loop go to the store in one write; their CPU halves under load.

At most `MAX_BATCHES` are under way, each of at most `MAX_CALLS`; what comes meanwhile forms the next batch
(backpressure). A batch without a response within the timeout fails as a whole, and nothing is sent a second time. The
circuit breaker stands in front: while it is open, a call fails at once.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from matapalo.process.clock import Clock
from matapalo.ratelimit.store.circuit_breaker import CircuitBreaker
from matapalo.ratelimit.store.ports import Call, Store, StoreUnavailable

MAX_CALLS = 128
MAX_BATCHES = 4
# A stall of the event loop must not pass for one of the store: responses that have come meanwhile are read first.
GRACE_S = 0.005

OnAbandoned = Callable[[Any], None]


class PendingCall(msgspec.Struct):
    """A call, the future of who waits for it, and who takes the result when the waiter was cancelled."""

    call: Call
    future: "asyncio.Future[Any] | None" = None
    on_abandoned: OnAbandoned | None = None

    def fail(self, error: StoreUnavailable) -> None:
        """Raise ``error`` where the call is awaited."""
        if self.future is not None and not self.future.done():
            self.future.set_exception(error)


class Coalescer:
    """``on_failure`` is told of failed calls (why, how many), ``on_success`` of every good batch."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        timeout_s: float,
        on_failure: Callable[[str, int], None] = lambda reason, calls: None,
        on_success: Callable[[], None] = lambda: None,
    ) -> None:
        self.breaker = CircuitBreaker()
        self._store = store
        self._clock = clock
        self._timeout_s = timeout_s
        self._on_failure = on_failure
        self._on_success = on_success
        self._pending: list[PendingCall] = []
        self._is_scheduled = False
        self._batches: set[asyncio.Task[None]] = set()
        self._timed_out: set[asyncio.Task[None]] = set()

    async def run(self, call: Call, *, on_abandoned: OnAbandoned | None = None) -> Any:
        """The result. Raises `StoreUnavailable`. ``on_abandoned`` gets it when the caller was cancelled meanwhile."""
        if not self.breaker.allows(self._clock.monotonic_s()):
            raise StoreUnavailable("the circuit breaker is open: it did not respond lately")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._enqueue(PendingCall(call, future, on_abandoned))
        return await future

    def post(self, call: Call) -> None:
        """Send it with the next batch, without waiting for its result."""
        if self.breaker.is_open:
            self._on_failure("unsent", 0)
        else:
            self._enqueue(PendingCall(call))

    async def drain(self) -> None:
        """Wait until every call so far has its result, or has failed."""
        self._flush()
        while self._batches:
            await asyncio.gather(*self._batches, return_exceptions=True)

    def _enqueue(self, pending: PendingCall) -> None:
        self._pending.append(pending)
        if not self._is_scheduled and len(self._batches) < MAX_BATCHES:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._is_scheduled = False
        while self._pending and len(self._batches) < MAX_BATCHES:
            batch, self._pending = self._pending[:MAX_CALLS], self._pending[MAX_CALLS:]
            task = asyncio.create_task(self._run(batch))
            self._batches.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._batches.discard(task)
        self._timed_out.discard(task)
        if self._pending:
            self._flush()

    async def _run(self, batch: list[PendingCall]) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - only ever run as one
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._timeout_s, lambda: loop.call_later(GRACE_S, self._time_out, task))
        try:
            results = await self._store.run([pending.call for pending in batch])
        except StoreUnavailable as error:
            self._fail(batch, "unavailable", error)
        except asyncio.CancelledError:
            self._fail(batch, "timeout", StoreUnavailable(f"no response within {self._timeout_s:g} s"))
            if task not in self._timed_out:
                raise
        except Exception as error:
            self._fail(batch, "bug", StoreUnavailable(repr(error)))
            raise
        else:
            self._deliver(batch, results)
        finally:
            timer.cancel()

    def _time_out(self, task: "asyncio.Task[None]") -> None:
        if not task.done():
            self._timed_out.add(task)
            task.cancel()

    def _deliver(self, batch: list[PendingCall], results: Sequence[Any]) -> None:
        errors = 0
        for pending, result in zip(batch, results, strict=True):
            if isinstance(result, Exception):
                errors += 1
                pending.fail(StoreUnavailable(str(result)))
            elif pending.future is not None and not pending.future.done():
                pending.future.set_result(result)
            elif pending.on_abandoned is not None:
                pending.on_abandoned(result)
        if errors:
            self._record_failure("error", errors)
        else:
            self.breaker.record_success()
            self._on_success()

    def _fail(self, batch: list[PendingCall], reason: str, error: StoreUnavailable) -> None:
        self._record_failure(reason, len(batch))
        for pending in batch:
            pending.fail(error)

    def _record_failure(self, reason: str, calls: int) -> None:
        self.breaker.record_failure(self._clock.monotonic_s(), calls)
        self._on_failure(reason, calls)
