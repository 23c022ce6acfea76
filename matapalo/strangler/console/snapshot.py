"""What the pages and the streams read, asked for once in one to three seconds however many tabs are open.

A part that cannot be read is a `Shown` with a problem instead of a value: its section says so, the others stay.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar, cast

from matapalo.process.clock import Clock
from matapalo.strangler.console.ports import Comparison, Evidence, History, Liveness, Point, Rollout, Sources, Watched
from matapalo.strangler.errors import GatewayError
from matapalo.strangler.routing.document import RoutesDocument

FAST_S = 0.9
WATCHED_S = 2.0
SLOW_S = 3.0
HISTORY_SHOWN = 50

T = TypeVar("T")


@dataclass(frozen=True)
class Shown(Generic[T]):
    """A value, or the sentence why there is none."""

    value: T | None = None
    problem: str | None = None

    def or_else(self, fallback: T) -> T:
        """The value, or what stands in for it."""
        return fallback if self.value is None else self.value


class Snapshot(NamedTuple):
    """All routes at one moment."""

    table: Shown[RoutesDocument]
    liveness: Shown[Liveness]
    watched: Shown[Mapping[str, Watched]]
    rollouts: Shown[Mapping[str, Rollout]]


class Details(NamedTuple):
    """What is shown of one route alone."""

    comparison: Shown[Comparison]
    history: Shown[History]
    evidence: Shown[Evidence]


class Reader:
    """The sources behind a short memory."""

    def __init__(self, sources: Sources, clock: Clock) -> None:
        self._sources = sources
        self._clock = clock
        self._kept: dict[str, tuple[float, Any]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def snapshot(self) -> Snapshot:
        """All routes."""

        async def read() -> Snapshot:
            sources = self._sources
            table, liveness, watched, rollouts = await asyncio.gather(
                shown(sources.routes.table()),
                shown(sources.routes.liveness()),
                self.watched(),
                shown(sources.rollouts.latest()),
            )
            return Snapshot(table, liveness, watched, rollouts)

        return await self._keep("snapshot", FAST_S, read)

    async def watched(self) -> Shown[Mapping[str, Watched]]:
        """Every route's figures and verdict: many reads, and new only when agents have counted again."""
        return await self._keep("watched", WATCHED_S, lambda: shown(self._sources.watching.latest()))

    async def series(self, route: str, minutes: int) -> Shown[Sequence[Point]]:
        """What the charts of a route show."""
        return await self._keep(
            f"series of {route}, {minutes}",
            WATCHED_S,
            lambda: shown(self._sources.watching.series(route, minutes=minutes)),
        )

    async def details(self, route: str) -> Details:
        """One route's comparison, history and evidence."""

        async def read() -> Details:
            sources = self._sources
            return Details(
                *await asyncio.gather(
                    shown(sources.differences.of(route)),
                    shown(sources.routes.history(route, limit=HISTORY_SHOWN)),
                    shown(sources.decommission.evidence(route)),
                )
            )

        return await self._keep(f"details of {route}", SLOW_S, read)

    async def history(self) -> Shown[History]:
        """Every route's changes."""
        return await self._keep(
            "history", SLOW_S, lambda: shown(self._sources.routes.history(None, limit=4 * HISTORY_SHOWN))
        )

    async def evidence(self, routes: Sequence[str]) -> Mapping[str, Shown[Evidence]]:
        """Of every route."""

        async def read() -> Mapping[str, Shown[Evidence]]:
            found = await asyncio.gather(*(shown(self._sources.decommission.evidence(route)) for route in routes))
            return dict(zip(routes, found, strict=True))

        return await self._keep("evidence", SLOW_S, read)

    def forget(self) -> None:
        """After a write: what is shown next is read anew."""
        self._kept.clear()

    async def _keep(self, name: str, for_s: float, read: Callable[[], Awaitable[T]]) -> T:
        async with self._locks.setdefault(name, asyncio.Lock()):
            kept = self._kept.get(name)
            if kept is not None and self._clock.monotonic_s() - kept[0] < for_s:
                return cast("T", kept[1])
            value = await read()
            self._kept[name] = (self._clock.monotonic_s(), value)
            return value


async def shown(reading: Awaitable[T]) -> Shown[T]:
    """What was read, or why it could not be."""
    try:
        return Shown(value=await reading)
    except GatewayError as error:
        return Shown(problem=str(error))
