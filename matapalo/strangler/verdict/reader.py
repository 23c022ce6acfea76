"""What both sides of a route did, and the verdict on it, read from Redis: for gates, the API and the console.

Raises RedisUnavailable.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from matapalo.process.clock import Clock
from matapalo.strangler.metrics.collector import series_of
from matapalo.strangler.metrics.traffic import Traffic, traffic_of
from matapalo.strangler.routing.route import WHOLE_BP, Route
from matapalo.strangler.settings import RolloutCriteria
from matapalo.strangler.shadow.consistency import Consistency
from matapalo.strangler.shadow.findings import Findings
from matapalo.strangler.store.slices import KEPT, Slices
from matapalo.strangler.verdict.checks import Verdict, judge_consistency, judge_traffic, verdict_of


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """A window with its verdict. ``consistency`` is None where nothing is compared."""

    traffic: Traffic
    consistency: Consistency | None
    verdict: Verdict


@dataclass(frozen=True)
class MetricsReader:
    slices: Slices
    findings: Findings
    criteria: RolloutCriteria
    clock: Clock

    async def traffic(self, route: str, *, since: datetime, until: datetime | None = None) -> Traffic:
        until = until or self.clock.now()
        counts = await self.slices.total(series_of(route), since=since, until=until)
        return traffic_of(counts, since=since, until=until)

    async def series(self, route: str, *, since: datetime, at_most: int = 120) -> Sequence[Traffic]:
        """The window until now in at most so many pieces, the oldest first; quiet ones are in it."""
        points = await self.slices.points(series_of(route), since=since, at_most=at_most)
        return [traffic_of(counts, since=begin, until=end) for begin, end, counts in points]

    async def consistency(self, route: str, *, since: datetime) -> Consistency:
        return await self.findings.read(route, since=since, significance=self.criteria.significance)

    async def judge(self, route: Route, *, since: datetime) -> Judgement:
        traffic = await self.traffic(route.name, since=since)
        at_the_whole = route.share_bp == WHOLE_BP
        if at_the_whole and traffic.legacy.requests < self.criteria.min_requests:
            day = await self.traffic(route.name, since=self.clock.now() - KEPT)
            traffic = msgspec.structs.replace(traffic, legacy=day.legacy)
        checks = judge_traffic(traffic, self.criteria, at_the_whole=at_the_whole)
        consistency = None
        if route.shadow_bp:
            consistency = await self.consistency(route.name, since=since)
            checks = (*checks, judge_consistency(consistency, self.criteria))
        return Judgement(traffic=traffic, consistency=consistency, verdict=verdict_of(*checks))

    async def judge_step(self, route: Route, since: datetime, recent: timedelta) -> Judgement:
        """The verdict on a step that began at ``since``: on all of it, and FAIL already when its latest part fails,
        which a long quiet time before must not outweigh.
        """
        since = max(since, self.clock.now() - KEPT)
        whole = await self.judge(route, since=since)
        latest = self.clock.now() - recent
        if latest > since and whole.verdict.outcome != "FAIL":
            newest = await self.judge(route, since=latest)
            if newest.verdict.outcome == "FAIL":
                return newest
        return whole
