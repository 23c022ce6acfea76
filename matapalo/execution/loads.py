"""Loads of one operation: all keys that are requested within a tick of the event loop are one call per load.

`Loads.many` is the batch-first interface; `Loads.one` serves resolvers that have a single parent (an aiodataloader
whose batch function is `many`). Both share one cache, which lives as long as the operation.

A load is ``async def load(context, keys, *, …)``, returning one value per key; the identity of a load is the function
together with its arguments, which must be hashable. Promises:

- a value may be an ``Exception``: it concerns its key only. `many` returns it, `one` raises it;
- a load that raises fails each of its keys; failures are cached for the rest of the operation, like values;
- cancelling a waiter disturbs no other waiter. With the last one the load is cancelled (or never started) and its keys
  are dropped, so that a later call loads them again.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from aiodataloader import DataLoader

from matapalo.execution.relation import Load

NO_ARGUMENTS: Mapping[str, Hashable] = {}


class Loads:
    """The loads of one operation. ``context`` is handed to every load."""

    def __init__(self, context: object) -> None:
        self._context = context
        self._groups: dict[Hashable, _Group] = {}

    async def many(self, load: Load, keys: Sequence[Any], args: Mapping[str, Any] = NO_ARGUMENTS) -> list[Any]:
        """One value (or ``Exception``) per key, in the order of ``keys``."""
        return await self._group(load, args).many(keys)

    def one(self, load: Load, key: Any, args: Mapping[str, Any] = NO_ARGUMENTS) -> Awaitable[Any]:
        """The value of one key; raises the ``Exception`` in its place. Needs a running event loop."""
        return self._group(load, args).one(key)

    def clear(self) -> None:
        """Drop every cached value: later reads have to see a write. Calls in flight still serve their waiters."""
        self._groups.clear()

    def _group(self, load: Load, args: Mapping[str, Any]) -> "_Group":
        identity = (load, tuple(sorted(args.items()))) if args else load
        try:
            group = self._groups.get(identity)
        except TypeError as error:
            raise TypeError(f"arguments of {_name(load)} must be hashable, got {dict(args)!r}") from error
        if group is None:
            group = self._groups[identity] = _Group(load, args, self._context)
        return group


class _Batch:
    """The keys of one call of a load. ``done`` is cancelled with its last waiter."""

    __slots__ = ("done", "keys", "task", "waiters")

    def __init__(self, done: asyncio.Future[None]) -> None:
        self.done = done
        self.keys: list[Any] = []
        self.waiters = 0
        self.task: asyncio.Task[None] | None = None


class _Group:
    """One load with one set of arguments: its cached values, and its batches in flight."""

    __slots__ = ("_args", "_collecting", "_context", "_load", "_loading", "_values", "single")

    def __init__(self, load: Load, args: Mapping[str, Any], context: object) -> None:
        self._load = load
        self._args = args
        self._context = context
        self._values: dict[Any, Any] = {}
        self._loading: dict[Any, _Batch] = {}
        self._collecting: _Batch | None = None
        self.single = _Single(self)

    async def many(self, keys: Sequence[Any]) -> list[Any]:
        values = self._values
        if batches := {self._batch_of(key): None for key in keys if key not in values}:
            await self._wait(batches)
        return [values[key] for key in keys]

    def one(self, key: Any) -> Awaitable[Any]:
        if key not in self._values:
            return self.single.load(key)
        cached: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        value = self._values[key]
        if isinstance(value, Exception):
            cached.set_exception(value)
        else:
            cached.set_result(value)
        return cached

    def _batch_of(self, key: Any) -> _Batch:
        batch = self._loading.get(key)
        if batch is not None:
            return batch
        batch = self._collecting
        if batch is None:
            loop = asyncio.get_running_loop()
            batch = self._collecting = _Batch(loop.create_future())
            loop.call_soon(self._start, batch)
        batch.keys.append(key)
        self._loading[key] = batch
        return batch

    async def _wait(self, batches: Iterable[_Batch]) -> None:
        for batch in batches:
            batch.waiters += 1
        try:
            for batch in batches:
                await asyncio.shield(batch.done)
        finally:
            for batch in batches:
                batch.waiters -= 1
                if batch.waiters == 0 and not batch.done.done():
                    self._abandon(batch)

    def _abandon(self, batch: _Batch) -> None:
        self._stop_collecting(batch)
        batch.done.cancel()
        for key in batch.keys:
            del self._loading[key]
        if batch.task is not None:
            batch.task.cancel()

    def _stop_collecting(self, batch: _Batch) -> None:
        if self._collecting is batch:
            self._collecting = None

    def _start(self, batch: _Batch) -> None:
        """Runs after every callback of the tick in which the batch began: later keys go to the next one."""
        if not batch.done.cancelled():
            self._stop_collecting(batch)
            batch.task = asyncio.get_running_loop().create_task(self._run(batch))

    async def _run(self, batch: _Batch) -> None:
        try:
            values = await self._load(self._context, batch.keys, **self._args)
            if len(values) != len(batch.keys):
                raise TypeError(f"{_name(self._load)} returned {len(values)} values for {len(batch.keys)} keys")
        except Exception as error:
            self._settle(batch, [error] * len(batch.keys))
        except BaseException:
            self._settle(batch, [RuntimeError(f"{_name(self._load)} was cancelled")] * len(batch.keys))
            raise
        else:
            self._settle(batch, values)

    def _settle(self, batch: _Batch, values: Sequence[Any]) -> None:
        if batch.done.cancelled():
            return
        for key, value in zip(batch.keys, values, strict=True):
            self._values[key] = value
            del self._loading[key]
        batch.done.set_result(None)


class _Turn:
    """The single loads of one call of aiodataloader's batch function, and how many waiters it still has."""

    __slots__ = ("task", "waiters")

    def __init__(self) -> None:
        self.waiters = 0
        self.task: asyncio.Task[Any] | None = None

    def leave(self) -> None:
        self.waiters -= 1
        if self.waiters == 0 and self.task is not None:
            self.task.cancel()


class _Waiter(asyncio.Future[Any]):
    """A future of its own for each call of `one`, which tells its turn when it is cancelled."""

    def __init__(self, turn: _Turn) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self._turn = turn
        turn.waiters += 1

    def cancel(self, msg: Any | None = None) -> bool:
        cancelled = super().cancel(msg)
        if cancelled:
            self._turn.leave()
        return cancelled


class _Single(DataLoader[Any, Any]):
    """aiodataloader's queue and dispatch. Its cache, whose futures are shared and stay when cancelled, is not used."""

    cache = False

    def __init__(self, group: _Group) -> None:
        super().__init__()
        self._group = group
        self._turns: deque[_Turn] = deque()

    def load(self, key: Any) -> asyncio.Future[Any]:
        if not self._queue:
            self._turns.append(_Turn())
        waiter = _Waiter(self._turns[-1])
        self.do_resolve_reject(key, waiter)
        return waiter

    async def batch_load_fn(self, keys: list[Any]) -> list[Any]:
        turn = self._turns.popleft()
        if turn.waiters == 0:
            return [None] * len(keys)
        turn.task = asyncio.current_task()
        return await self._group.many(keys)


def _name(load: Load) -> str:
    return getattr(load, "__qualname__", repr(load))
