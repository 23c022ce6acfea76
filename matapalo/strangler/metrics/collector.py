"""The metrics of one Envoy: its counters are read regularly, and what happened since is added to each route's slices.

Runs in the agent, which is beside the Envoy and has its admin socket. Several agents add to the same slices. What was
read while Redis was away is lost: a gate then has less to judge by and holds. The first reading only says where to
count from. Nothing ends the loop.
"""

import asyncio
import logging
from collections.abc import Mapping

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge

from matapalo.strangler.agent.admin import EnvoyAdmin
from matapalo.strangler.errors import EnvoyUnreachable, RedisUnavailable
from matapalo.strangler.metrics.counters import STATISTICS, Reading, SideOf, between, parse
from matapalo.strangler.metrics.traffic import SideTraffic, counts_of
from matapalo.strangler.routing.route import Side
from matapalo.strangler.store.slices import Slices

logger = logging.getLogger(__name__)

QUANTILES = (0.5, 0.95, 0.99)


def series_of(route: str) -> str:
    return f"traffic:{route}"


class MetricsCollector:
    def __init__(self, envoy: EnvoyAdmin, slices: Slices, *, every_s: float, registry: CollectorRegistry) -> None:
        self._envoy = envoy
        self._slices = slices
        self._every_s = every_s
        self._gauges = _Gauges(registry)
        self._last: Reading | None = None

    async def run(self) -> None:
        while True:
            try:
                await self.step()
            except (EnvoyUnreachable, RedisUnavailable) as error:
                logger.debug("no metrics are collected just now: %s", error)
            except Exception:  # the data plane must outlive every surprise in its control plane
                logger.exception("a reading of Envoy's counters failed")
            await asyncio.sleep(self._every_s)

    async def step(self) -> dict[SideOf, SideTraffic]:
        """Read once; what happened since the reading before. Raises EnvoyUnreachable, RedisUnavailable."""
        now = await self._read()
        before, self._last = self._last, now
        if before is None:
            return {}
        traffic_by_side = between(before, now)
        self._gauges.show(traffic_by_side, now, every_s=self._every_s)
        sides_by_route: dict[str, dict[Side, SideTraffic]] = {}
        for (route, side), traffic in traffic_by_side.items():
            sides_by_route.setdefault(route, {})[side] = traffic
        if sides_by_route:
            await self._slices.add({series_of(route): counts_of(sides) for route, sides in sides_by_route.items()})
        return traffic_by_side

    async def _read(self) -> Reading:
        statistics = await self._envoy.read(
            "/stats", format="json", histogram_buckets="detailed", filter=STATISTICS, usedonly=""
        )
        clusters = await self._envoy.read("/clusters", format="json")
        try:
            return parse(statistics, clusters)
        except msgspec.DecodeError as error:
            raise EnvoyUnreachable(f"Envoy's statistics cannot be read: {error}") from error


class _Gauges:
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

    def show(self, traffic_by_side: Mapping[SideOf, SideTraffic], now: Reading, *, every_s: float) -> None:
        for side in now.sides:
            traffic = traffic_by_side.get(side, SideTraffic())
            self._requests.labels(*side).inc(traffic.requests)
            self._failures.labels(*side).inc(traffic.failed)
            self._rate.labels(*side).set(traffic.requests / every_s)
            for q in QUANTILES:
                if (latency := traffic.quantile_ms(q)) is not None:
                    self._latency.labels(*side, str(q)).set(latency)
