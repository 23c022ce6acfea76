"""What the pages and the streams read, read once in one to three seconds however many tabs are open.

A part that cannot be read is a `Section` with a problem instead of a value: its region says so, the others stay.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, NamedTuple, TypeVar, cast

from matapalo.strangler.console.presenters import Differences, Point, Proof, RouteMetrics
from matapalo.strangler.errors import GatewayError
from matapalo.strangler.rollout.messages import RolloutState
from matapalo.strangler.routing.change import Change
from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.route import Route
from matapalo.strangler.services import Services
from matapalo.strangler.store.nodes import Nodes

FAST_S = 0.9
METRICS_S = 2.0
SLOW_S = 3.0
HISTORY_SHOWN = 50
FIELDS_SHOWN = 30
SERIES_WINDOWS = 180
VERDICT_WINDOW = timedelta(minutes=15)
CURRENT_WINDOW = timedelta(seconds=30)
DIFFERENCES_WINDOW = timedelta(hours=24)

T = TypeVar("T")


@dataclass(frozen=True)
class Section(Generic[T]):
    """A value, or the sentence why there is none."""

    value: T | None = None
    problem: str | None = None

    def or_else(self, fallback: T) -> T:
        return fallback if self.value is None else self.value


class Snapshot(NamedTuple):
    table: Section[RoutesDocument]
    nodes: Section[Nodes]
    metrics: Section[Mapping[str, RouteMetrics]]
    rollouts: Section[Mapping[str, RolloutState]]


class Details(NamedTuple):
    differences: Section[Differences]
    history: Section[Sequence[Change]]
    evidence: Section[Proof]


class Reader:
    """The services behind a short-lived cache."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._cache: dict[str, tuple[float, Any]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def snapshot(self) -> Snapshot:
        async def read() -> Snapshot:
            table, nodes, metrics, rollouts = await asyncio.gather(
                section(self._services.changes.document()),
                section(self._services.nodes.read()),
                self.metrics(),
                section(self._services.rollouts.latest()),
            )
            return Snapshot(table, nodes, metrics, rollouts)

        return await self._cached("snapshot", FAST_S, read)

    async def metrics(self) -> Section[Mapping[str, RouteMetrics]]:
        """Every route that is in use: many reads, and new only when agents have counted again."""
        return await self._cached("metrics", METRICS_S, lambda: section(self._read_metrics()))

    async def series(self, route: str, minutes: int) -> Section[Sequence[Point]]:
        """What the charts of a route show: the windows that are over, the oldest first."""
        return await self._cached(
            f"series of {route}, {minutes}", METRICS_S, lambda: section(self._read_series(route, minutes))
        )

    async def details(self, route: str) -> Details:
        async def read() -> Details:
            return Details(
                *await asyncio.gather(
                    section(self._read_differences(route)),
                    section(self._services.changes.history(route, limit=HISTORY_SHOWN)),
                    section(self._read_evidence(route)),
                )
            )

        return await self._cached(f"details of {route}", SLOW_S, read)

    async def history(self) -> Section[Sequence[Change]]:
        """The changes of all routes, the newest first."""
        history = self._services.changes.history
        return await self._cached("history", SLOW_S, lambda: section(history(limit=4 * HISTORY_SHOWN)))

    async def evidence(self, routes: Sequence[str]) -> Mapping[str, Section[Proof]]:
        async def read() -> Mapping[str, Section[Proof]]:
            proofs = await asyncio.gather(*(section(self._read_evidence(route)) for route in routes))
            return dict(zip(routes, proofs, strict=True))

        return await self._cached("evidence", SLOW_S, read)

    def forget(self) -> None:
        """After a write: what is shown next is read anew."""
        self._cache.clear()

    async def _read_metrics(self) -> Mapping[str, RouteMetrics]:
        routes = (await self._services.changes.document()).routes
        metrics_by_route = {route.name: await self._read_metrics_of(route) for route in routes}
        return {name: metrics for name, metrics in metrics_by_route.items() if metrics is not None}

    async def _read_metrics_of(self, route: Route) -> RouteMetrics | None:
        metrics, now = self._services.metrics, self._services.clock.now()
        judgement = await metrics.judge(route, since=now - VERDICT_WINDOW)
        if not (judgement.traffic.new or judgement.traffic.legacy):
            return None
        current = await metrics.traffic(route.name, since=now - CURRENT_WINDOW)
        same_share = judgement.consistency.same_share if judgement.consistency else None
        return RouteMetrics(Point.of(current), judgement.verdict, same_share)

    async def _read_series(self, route: str, minutes: int) -> Sequence[Point]:
        now = self._services.clock.now()
        windows = await self._services.metrics.series(
            route, since=now - timedelta(minutes=minutes), at_most=SERIES_WINDOWS
        )
        return [Point.of(traffic) for traffic in windows if traffic.until <= now]

    async def _read_differences(self, route: str) -> Differences:
        since = self._services.clock.now() - DIFFERENCES_WINDOW
        consistency = await self._services.metrics.consistency(route, since=since)
        paths = [field.path for field in consistency.fields[:FIELDS_SHOWN]]
        return Differences(consistency, await self._services.findings.samples(route, paths))

    async def _read_evidence(self, route: str) -> Proof:
        return Proof.of(await self._services.decommission.report(route))

    async def _cached(self, name: str, for_s: float, read: Callable[[], Awaitable[T]]) -> T:
        monotonic_s = self._services.clock.monotonic_s
        async with self._locks.setdefault(name, asyncio.Lock()):
            cached = self._cache.get(name)
            if cached is not None and monotonic_s() - cached[0] < for_s:
                return cast("T", cached[1])
            value = await read()
            self._cache[name] = (monotonic_s(), value)
            return value


async def section(reading: Awaitable[T]) -> Section[T]:
    try:
        return Section(value=await reading)
    except GatewayError as error:
        return Section(problem=str(error))
