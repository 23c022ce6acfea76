"""Whether the legacy side of a route is dead: the evidence, and the judgement on it. Pure.

A route is READY when all of its requirements are met; each says its numbers. What is not known does not count as met: a
log that no agent reads proves no silence.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from matapalo.process.duration import approximate_duration
from matapalo.strangler.routing.hits import Hits, LegacyCaller, total
from matapalo.strangler.routing.route import WHOLE_BP, Route, Side
from matapalo.strangler.routing.share import format_share

MAX_DIFFERENCE_RATE = 0.001
"""Of the compared responses: above it callers would see other data than before."""
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
    """The last seen first."""
    counted_since: datetime | None
    silent_nodes: tuple[str, ...]
    difference_rate: float | None
    quiet: timedelta
    now: datetime

    @property
    def last_hit(self) -> datetime | None:
        hits = total(self.callers)
        return None if hits is None else datetime.fromtimestamp(hits.last_ms / 1000, UTC)

    @property
    def days_since_last_hit(self) -> float | None:
        """None when there never was one."""
        return None if self.last_hit is None else (self.now - self.last_hit) / timedelta(days=1)

    def recent(self) -> dict[LegacyCaller, Hits]:
        since_ms = (self.now - self.quiet).timestamp() * 1000
        return {caller: hits for caller, hits in self.callers.items() if hits.last_ms > since_ms}


class Report(NamedTuple):
    evidence: Evidence
    requirements: tuple[Requirement, ...]

    @property
    def is_ready(self) -> bool:
        return all(requirement.is_met for requirement in self.requirements)

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(requirement.because for requirement in self.requirements if not requirement.is_met)

    def as_json(self) -> dict[str, Any]:
        last_hit = self.evidence.last_hit
        return {
            "requirements": [requirement.because for requirement in self.requirements],
            "last_hit": last_hit.isoformat() if last_hit else None,
            "difference_rate": self.evidence.difference_rate,
            "callers": len(self.evidence.callers),
        }


def judge(evidence: Evidence) -> Report:
    """What the evidence proves, requirement by requirement."""
    if evidence.route.retired:
        return Report(evidence, (Requirement(True, "the legacy branch has been removed"),))
    return Report(
        evidence, (*_routing(evidence.route), _silence(evidence), _counting(evidence), _differences(evidence))
    )


def _routing(route: Route) -> Iterator[Requirement]:
    yield Requirement(
        route.share_bp == WHOLE_BP, f"reads: the new side has {format_share(route.share_bp)} of the users"
    )
    writes = route.writes or (Side.NEW if route.share_bp == WHOLE_BP else Side.LEGACY)
    yield Requirement(writes is Side.NEW, f"writes go to {writes}")
    rules = ", ".join(rule.value for rule in (*route.canary, *route.cohorts) if rule.side is Side.LEGACY)
    yield Requirement(not rules, f"rules send {rules} to legacy" if rules else "no rule sends a request to legacy")


def _silence(evidence: Evidence) -> Requirement:
    recent, quiet = evidence.recent(), approximate_duration(evidence.quiet)
    if not recent:
        last_hit = evidence.last_hit
        last = (
            f"the last was {approximate_duration(evidence.now - last_hit)} ago" if last_hit else "there never was one"
        )
        return Requirement(True, f"no request reached legacy for {quiet}: {last}")
    named = "; ".join(_caller(caller, hits, evidence.now) for caller, hits in [*recent.items()][:NAMED])
    more = f"; and {len(recent) - NAMED} more" if len(recent) > NAMED else ""
    return Requirement(False, f"legacy was reached within {quiet} by {named}{more}")


def _caller(caller: LegacyCaller, hits: Hits, now: datetime) -> str:
    named = " ".join(part for part in (caller.client, caller.version) if part) or caller.agent or "an unnamed caller"
    ago = now - datetime.fromtimestamp(hits.last_ms / 1000, UTC)
    fallbacks = f", {hits.fallbacks} of them because the new side failed" if hits.fallbacks else ""
    return f"{named} ({hits.count} requests{fallbacks}, the last {approximate_duration(ago)} ago)"


def _counting(evidence: Evidence) -> Requirement:
    if evidence.silent_nodes:
        return Requirement(False, f"no agent reads the logs of {', '.join(evidence.silent_nodes)}: start their agents")
    if evidence.counted_since is None:
        return Requirement(False, "requests to legacy are not counted: start an agent beside each Envoy")
    counted_for = evidence.now - evidence.counted_since
    sentence = f"requests are counted for {approximate_duration(counted_for)}"
    if counted_for < evidence.quiet:
        return Requirement(False, f"{sentence} only: wait another {approximate_duration(evidence.quiet - counted_for)}")
    return Requirement(True, sentence)


def _differences(evidence: Evidence) -> Requirement:
    rate = evidence.difference_rate
    if rate is None:
        return Requirement(True, "nothing was compared lately (shadow_bp mirrors some requests to the comparator)")
    return Requirement(
        rate <= MAX_DIFFERENCE_RATE,
        f"{rate:.2%} of the compared responses differ; {MAX_DIFFERENCE_RATE:.2%} are allowed",
    )
