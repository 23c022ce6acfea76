"""Reporting on the legacy sides of routes, and removing those that are dead.

Raises RouteNotFound, NotReady, InvalidChange, PreconditionFailed, RedisUnavailable.
"""

from dataclasses import dataclass
from datetime import timedelta

from matapalo.process.clock import Clock
from matapalo.strangler.decommission.report import Evidence, Report, judge
from matapalo.strangler.errors import NotReady
from matapalo.strangler.routing.change import Change
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.store.hits import LegacyHits
from matapalo.strangler.store.nodes import NodeReader
from matapalo.strangler.verdict.reader import MetricsReader

COMPARED = timedelta(days=1)
"""The window of the difference rate."""


@dataclass(frozen=True)
class Decommission:
    changes: Changes
    hits: LegacyHits
    nodes: NodeReader
    metrics: MetricsReader
    quiet: timedelta
    clock: Clock

    async def report(self, name: str) -> Report:
        """The report on one route, by its name or a path."""
        document = await self.changes.document()
        route = document.route(name)
        nodes, now = await self.nodes.read(), self.clock.now()
        callers = await self.hits.of(route.name)
        same_share = (await self.metrics.consistency(route.name, since=now - COMPARED)).same_share
        return judge(
            Evidence(
                route=route,
                revision=document.revision(route.name),
                callers=dict(sorted(callers.items(), key=lambda caller: -caller[1].last_ms)),
                counted_since=await self.hits.since(),
                silent_nodes=tuple(
                    report.node for report in nodes.reports if not (nodes.is_alive(report) and report.reads_log)
                ),
                difference_rate=None if same_share is None else 1 - same_share,
                quiet=self.quiet,
                now=now,
            )
        )

    async def reports(self) -> list[Report]:
        return [await self.report(route.name) for route in (await self.changes.document()).routes]

    async def apply(self, name: str, *, by: str, why: str, expected: int | None = None) -> Change:
        """Remove the legacy branch, with the evidence in the history. Raises NotReady with the reasons while the
        report says so.
        """
        report = await self.report(name)
        if not report.is_ready:
            raise NotReady(report.reasons)
        return await self.changes.retire(
            report.evidence.route.name,
            by=by,
            why=why,
            evidence=report.as_json(),
            expected=report.evidence.revision if expected is None else expected,
        )
