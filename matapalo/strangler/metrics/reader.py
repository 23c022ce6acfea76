"""What both sides of a route did and what is to be thought of it, read from Redis: for gates, the API and the console.

Raises StoreUnavailable.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from redis.asyncio import Redis

from matapalo.process.clock import Clock
from matapalo.strangler.metrics.collector import series_of
from matapalo.strangler.metrics.slices import KEPT, Slices
from matapalo.strangler.metrics.traffic import Traffic, traffic_of
from matapalo.strangler.routing.route import WHOLE_BP, Route
from matapalo.strangler.settings import RolloutCriteria, Settings
from matapalo.strangler.shadow.consistency import Consistency, check
from matapalo.strangler.shadow.findings import Findings, Sample
from matapalo.strangler.verdict import Verdict, judge, verdict_of


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A window with its verdict. ``consistency`` is None where nothing is compared."""

    traffic: Traffic
    consistency: Consistency | None
    verdict: Verdict


class Watching:
    """All routes."""

    def __init__(self, slices: Slices, findings: Findings, *, gates: RolloutCriteria, clock: Clock) -> None:
        self._slices = slices
        self._findings = findings
        self._gates = gates
        self._clock = clock

    async def traffic(self, route: str, *, since: datetime, until: datetime | None = None) -> Traffic:
        """Both sides in a window."""
        until = until or self._clock.now()
        counts = await self._slices.total(series_of(route), since=since, until=until)
        return traffic_of(counts, since=since, until=until)

    async def series(self, route: str, *, since: datetime, at_most: int = 120) -> Sequence[Traffic]:
        """The window until now in at most so many pieces, the oldest first; quiet ones are in it."""
        found = await self._slices.points(series_of(route), since=since, at_most=at_most)
        return [traffic_of(counts, since=begin, until=end) for begin, end, counts in found]

    async def consistency(self, route: str, *, since: datetime) -> Consistency:
        """What the comparator found in a window."""
        return await self._findings.read(route, since=since, significance=self._gates.significance)

    async def samples(self, route: str, paths: Sequence[str]) -> dict[str, list[Sample]]:
        """Both answers, redacted, for each of the paths."""
        return await self._findings.samples(route, paths)

    async def judge(self, route: Route, *, since: datetime) -> Judged:
        """The verdict on the window until now."""
        traffic = await self.traffic(route.name, since=since)
        at_the_whole = route.share_bp == WHOLE_BP
        if at_the_whole and traffic.legacy.requests < self._gates.min_requests:
            kept = await self.traffic(route.name, since=self._clock.now() - KEPT)
            traffic = msgspec.structs.replace(traffic, legacy=kept.legacy)
        checks = judge(traffic, self._gates, at_the_whole=at_the_whole)
        consistency = None
        if route.shadow_bp:
            consistency = await self.consistency(route.name, since=since)
            checks = (*checks, check(consistency, self._gates))
        return Judged(traffic=traffic, consistency=consistency, verdict=verdict_of(*checks))

    async def judge_step(self, route: Route, since: datetime, recent: timedelta) -> Judged:
        """The verdict on a step that began at ``since``: on all of it, and FAIL already when its latest part fails,
        which a long quiet time before must not outweigh.
        """
        since = max(since, self._clock.now() - KEPT)
        whole = await self.judge(route, since=since)
        latest = self._clock.now() - recent
        if latest > since and whole.verdict.outcome != "FAIL":
            newest = await self.judge(route, since=latest)
            if newest.verdict.outcome == "FAIL":
                return newest
        return whole


class Compared(NamedTuple):
    """The reading side of one installation."""

    watching: Watching
    findings: Findings


def compared(redis: Redis, settings: Settings, clock: Clock) -> Compared:
    """Watching and what it stands on."""
    slices = Slices(redis, clock=clock, fine_s=settings.metrics_interval_s)
    findings = Findings(redis, slices, clock=clock)
    return Compared(Watching(slices, findings, gates=settings.rollout_criteria, clock=clock), findings)
