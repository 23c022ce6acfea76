"""Whether the legacy side of a route is dead: the evidence, the judgement, and its removal.

A route is READY when all of its requirements are met; each says its numbers. What is not known does not count as met: a
log that nobody reads proves no silence. `apply` writes the evidence into the history with the change.

Raises RouteNotFound, NotReady, InvalidChange, PreconditionFailed, StoreUnavailable.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol

from matapalo.process.clock import Clock
from matapalo.process.duration import approximate_duration
from matapalo.strangler.errors import NotReady
from matapalo.strangler.routing.change import Change
from matapalo.strangler.routing.hits import Hits, LegacyCaller, total
from matapalo.strangler.routing.route import WHOLE_BP, Route, Side
from matapalo.strangler.routing.share import format_share
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.store.nodes import Nodes

MAX_DIFFERENCE_RATE = 0.001
"""Of the compared answers: above it somebody would see other data than before."""
NAMED = 3


class Requirement(NamedTuple):
    """One condition, and the numbers that decide it."""

    is_met: bool
    because: str


class Evidence(NamedTuple):
    """All that is known of the legacy side of a route at a moment."""

    route: Route
    revision: int
    callers: Mapping[LegacyCaller, Hits]
    counted_since: datetime | None
    silent_nodes: tuple[str, ...]
    difference_rate: float | None
    quiet: timedelta
    now: datetime

    @property
    def last_hit(self) -> datetime | None:
        """When anybody reached the legacy side last."""
        hits = total(self.callers)
        return None if hits is None else datetime.fromtimestamp(hits.last_ms / 1000, UTC)

    @property
    def days_since_last_hit(self) -> float | None:
        """None when there never was one."""
        return None if self.last_hit is None else (self.now - self.last_hit) / timedelta(days=1)

    def recent(self) -> dict[LegacyCaller, Hits]:
        """Those who reached it within the quiet period, the last first."""
        since_ms = (self.now - self.quiet).timestamp() * 1000
        found = {caller: hits for caller, hits in self.callers.items() if hits.last_ms > since_ms}
        return dict(sorted(found.items(), key=lambda pair: -pair[1].last_ms))


class Report(NamedTuple):
    """The evidence and what follows from it."""

    evidence: Evidence
    requirements: tuple[Requirement, ...]

    @property
    def is_ready(self) -> bool:
        """Whether the legacy branch may go."""
        return all(requirement.is_met for requirement in self.requirements)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why not."""
        return tuple(requirement.because for requirement in self.requirements if not requirement.is_met)


def judge(evidence: Evidence) -> Report:
    """The report. Pure."""
    if evidence.route.retired:
        return Report(evidence, (Requirement(True, "the legacy branch has been removed"),))
    return Report(evidence, (*_routing(evidence.route), _silence(evidence), _watch(evidence), _differences(evidence)))


def _routing(route: Route) -> Iterator[Requirement]:
    yield Requirement(
        route.share_bp == WHOLE_BP, f"reads: the new side has {format_share(route.share_bp)} of the users"
    )
    writes = route.writes or (Side.NEW if route.share_bp == WHOLE_BP else Side.LEGACY)
    yield Requirement(writes is Side.NEW, f"writes go to {writes}")
    kept = [rule.value for rule in (*route.canary, *route.cohorts) if rule.side is Side.LEGACY]
    yield Requirement(
        not kept, f"rules send {', '.join(kept)} to legacy" if kept else "no rule sends anybody to legacy"
    )


def _silence(evidence: Evidence) -> Requirement:
    recent = evidence.recent()
    if not recent:
        days = evidence.days_since_last_hit
        last = (
            "there never was one" if days is None else f"the last was {approximate_duration(timedelta(days=days))} ago"
        )
        return Requirement(True, f"no request reached legacy for {approximate_duration(evidence.quiet)}: {last}")
    named = "; ".join(_caller(caller, hits, evidence.now) for caller, hits in [*recent.items()][:NAMED])
    more = f"; and {len(recent) - NAMED} more" if len(recent) > NAMED else ""
    return Requirement(False, f"legacy was reached within {approximate_duration(evidence.quiet)} by {named}{more}")


def _caller(caller: LegacyCaller, hits: Hits, now: datetime) -> str:
    named = " ".join(part for part in (caller.client, caller.version) if part) or caller.agent or "an unnamed caller"
    ago = now - datetime.fromtimestamp(hits.last_ms / 1000, UTC)
    fallbacks = f", {hits.fallbacks} of them because the new side failed" if hits.fallbacks else ""
    return f"{named} ({hits.count} requests{fallbacks}, the last {approximate_duration(ago)} ago)"


def _watch(evidence: Evidence) -> Requirement:
    if evidence.silent_nodes:
        return Requirement(False, f"nobody reads the logs of {', '.join(evidence.silent_nodes)}: start their agents")
    if evidence.counted_since is None:
        return Requirement(False, "nobody counts requests to legacy: start an agent beside each Envoy")
    watched = evidence.now - evidence.counted_since
    if watched < evidence.quiet:
        left = evidence.quiet - watched
        return Requirement(
            False,
            f"requests are counted for {approximate_duration(watched)} only: wait another {approximate_duration(left)}",
        )
    return Requirement(True, f"requests are counted for {approximate_duration(watched)}")


def _differences(evidence: Evidence) -> Requirement:
    rate = evidence.difference_rate
    if rate is None:
        return Requirement(True, "no answers were compared lately (shadow_bp gives some to the comparator)")
    return Requirement(
        rate <= MAX_DIFFERENCE_RATE,
        f"{rate:.2%} of the compared answers differ; {MAX_DIFFERENCE_RATE:.2%} are allowed",
    )


class HitCounts(Protocol):
    """Where hits are: `matapalo.strangler.store.hits.LegacyHits`."""

    async def since(self) -> datetime | None: ...
    async def of(self, route: str) -> dict[LegacyCaller, Hits]: ...


class Decommission:
    """Reports on routes and retires them."""

    def __init__(
        self,
        changes: Changes,
        hits: HitCounts,
        *,
        nodes: Callable[[], Awaitable[Nodes]],
        difference_rate: Callable[[str], Awaitable[float | None]],
        quiet: timedelta,
        clock: Clock,
    ) -> None:
        self._changes = changes
        self._hits = hits
        self._nodes = nodes
        self._difference_rate = difference_rate
        self._quiet = quiet
        self._clock = clock

    async def report(self, route: str) -> Report:
        """The report on one route, by its name or a path."""
        document = await self._changes.document()
        found = document.route(route)
        nodes = await self._nodes()
        return judge(
            Evidence(
                route=found,
                revision=document.revision(found.name),
                callers=await self._hits.of(found.name),
                counted_since=await self._hits.since(),
                silent_nodes=tuple(
                    report.node for report in nodes.reports if not (nodes.is_alive(report) and report.reads_log)
                ),
                difference_rate=await self._difference_rate(found.name),
                quiet=self._quiet,
                now=self._clock.now(),
            )
        )

    async def reports(self) -> list[Report]:
        """The reports on all routes."""
        return [await self.report(route.name) for route in (await self._changes.document()).routes]

    async def apply(self, route: str, *, by: str, why: str, expected: int | None = None) -> Change:
        """Removes the legacy branch. Raises NotReady with the reasons while the report says so."""
        report = await self.report(route)
        if not report.is_ready:
            raise NotReady(report.reasons)
        return await self._changes.retire(
            report.evidence.route.name,
            by=by,
            why=why,
            evidence=as_evidence(report),
            expected=report.evidence.revision if expected is None else expected,
        )


def as_evidence(report: Report) -> dict[str, Any]:
    """What the history keeps of a report."""
    evidence = report.evidence
    return {
        "requirements": [requirement.because for requirement in report.requirements],
        "last_hit": evidence.last_hit.isoformat() if evidence.last_hit else None,
        "difference_rate": evidence.difference_rate,
        "callers": len(evidence.callers),
    }
