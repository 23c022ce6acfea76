"""Watching one Envoy: reads its counters regularly and adds what happened since to the slices of each route.

Runs in the agent, which is beside the Envoy and has its admin socket. Several agents add to the same slices. What was
read while Redis was away is lost: a gate then has less to judge by and holds. The first reading only says where to
count from. Nothing ends the loop.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Protocol

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge

from matapalo.strangler.errors import EnvoyUnreachable, StoreUnavailable
from matapalo.strangler.metrics.counters import STATISTICS, Reading, SideOf, between, parse
from matapalo.strangler.metrics.traffic import SideTraffic, counts_of
from matapalo.strangler.routing.route import Side

logger = logging.getLogger(__name__)

QUANTILES = (0.5, 0.95, 0.99)


class Admin(Protocol):
    """Envoy's admin interface: `matapalo.strangler.agent.admin.EnvoyAdmin`."""

    async def read(self, path: str, **params: str) -> bytes: ...


class Slices(Protocol):
    """Where counts go: `matapalo.strangler.metrics.slices.Slices`."""

    async def add(self, counts: Mapping[str, Mapping[str, int]]) -> None: ...


def series_of(route: str) -> str:
    """The series of a route's traffic."""
    return f"traffic:{route}"


class Watcher:
    """One for each Envoy."""

    def __init__(self, envoy: Admin, slices: Slices, *, every_s: float, registry: CollectorRegistry) -> None:
        self._envoy = envoy
        self._slices = slices
        self._every_s = every_s
        self._shown = _Shown(registry)
        self._last: Reading | None = None

    async def follow(self) -> None:
        """Watches until cancelled."""
        while True:
            try:
                await self.step()
            except (EnvoyUnreachable, StoreUnavailable) as error:
                logger.debug("nothing is watched just now: %s", error)
            except Exception:  # the data plane must outlive every surprise in its control plane
                logger.exception("a reading of Envoy's counters failed")
            await asyncio.sleep(self._every_s)

    async def step(self) -> dict[SideOf, SideTraffic]:
        """Reads once; what happened since the reading before. Raises EnvoyUnreachable, StoreUnavailable."""
        now = await self._read()
        before, self._last = self._last, now
        if before is None:
            return {}
        happened = between(before, now)
        self._shown.show(happened, now, every_s=self._every_s)
        by_route: dict[str, dict[Side, SideTraffic]] = {}
        for which, traffic in happened.items():
            by_route.setdefault(which.route, {})[which.side] = traffic
        if by_route:
            await self._slices.add({series_of(route): counts_of(sides) for route, sides in by_route.items()})
        return happened

    async def _read(self) -> Reading:
        statistics = await self._envoy.read(
            "/stats", format="json", histogram_buckets="detailed", filter=STATISTICS, usedonly=""
        )
        clusters = await self._envoy.read("/clusters", format="json")
        try:
            return parse(statistics, clusters)
        except msgspec.DecodeError as error:
            raise EnvoyUnreachable(f"Envoy's statistics cannot be read: {error}") from error


class _Shown:
    """The same for Prometheus, from this Envoy alone."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("route", "side")
        self._requests = Counter("gateway_side_requests", "Requests a side was asked", labels, registry=registry)
        self._failures = Counter("gateway_side_failures", "Requests a side failed", labels, registry=registry)
        self._rate = Gauge("gateway_side_requests_per_second", "In the last interval", labels, registry=registry)
        self._latency = Gauge(
            "gateway_side_latency_milliseconds",
            "Latency of requests sent to a side in the last interval that had any",
            (*labels, "quantile"),
            registry=registry,
        )

    def show(self, happened: Mapping[SideOf, SideTraffic], now: Reading, *, every_s: float) -> None:
        for which in now.sides:
            traffic = happened.get(which, SideTraffic())
            self._requests.labels(*which).inc(traffic.requests)
            self._failures.labels(*which).inc(traffic.failed)
            self._rate.labels(*which).set(traffic.requests / every_s)
            for q in QUANTILES:
                if (latency := traffic.quantile_ms(q)) is not None:
                    self._latency.labels(*which, str(q)).set(latency)
