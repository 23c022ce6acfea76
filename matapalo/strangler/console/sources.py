"""The console's ports over the gateway's own parts: what those know, in the words that the pages show."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from matapalo.process.clock import Clock
from matapalo.strangler.console.ports import (
    Change,
    Command,
    Comparison,
    Evidence,
    FieldDifference,
    Finding,
    History,
    Intent,
    LegacyCaller,
    Liveness,
    Point,
    Requirement,
    Rollout,
    Sample,
    Sources,
    Watched,
    Window,
)
from matapalo.strangler.console.progress import rollout_of
from matapalo.strangler.decommission.evidence import Decommission
from matapalo.strangler.errors import InvalidChange
from matapalo.strangler.metrics.reader import Watching
from matapalo.strangler.metrics.traffic import SideTraffic, Traffic
from matapalo.strangler.rollout import client
from matapalo.strangler.routing import change as changed
from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.route import Route, Side
from matapalo.strangler.routing.share import format_share
from matapalo.strangler.shadow.findings import Findings
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.store.nodes import Nodes

JUDGED = timedelta(minutes=15)
"""The window of the verdict."""
NOW = timedelta(seconds=30)
"""The window of the figures."""
COMPARED = timedelta(hours=24)
FIELDS_SHOWN = 30
CALLERS_SHOWN = 20
PIECES = 180


class TableOfRoutes:
    """The `Routes` of `matapalo.strangler.console.ports`."""

    def __init__(self, changes: Changes, nodes: Callable[[], Awaitable[Nodes]]) -> None:
        self._changes = changes
        self._nodes = nodes

    async def table(self) -> RoutesDocument:
        """The table."""
        return await self._changes.document()

    async def liveness(self) -> Liveness:
        """On how many nodes it is live."""
        nodes = await self._nodes()
        return Liveness(nodes.live, len(nodes.reports))

    async def history(self, route: str | None, *, limit: int) -> History:
        """Of all routes when none is named; that has no ``undo``."""
        found = await self._changes.history(route, limit=limit)
        return History(tuple(change_of(one) for one in found), None if route is None else _undone(found))

    async def set_split(self, route: str, share_bp: int, writes: Side | None, intent: Intent, *, revision: int) -> int:
        """The share of the users on the new side, and the side that gets the writes."""
        fields = {"share_bp": share_bp, "writes": writes}
        change = await self._changes.set_route(route, fields, by=intent.actor, why=intent.reason, expected=revision)
        return change.version

    async def restore(self, route: str, to_version: int | None, intent: Intent, *, revision: int) -> int:
        """The route as it was at a version; None: as it was before its last change."""
        change = await self._changes.rollback(
            route, by=intent.actor, why=intent.reason, to=to_version, expected=revision
        )
        return change.version


class Measurements:
    """The `Watching` of `matapalo.strangler.console.ports`."""

    def __init__(self, changes: Changes, watching: Watching, clock: Clock) -> None:
        self._changes = changes
        self._watching = watching
        self._clock = clock

    async def latest(self) -> Mapping[str, Watched]:
        """By route; a route that nobody used is absent."""
        found = {route.name: await self._of(route) for route in (await self._changes.document()).routes}
        return {name: watched for name, watched in found.items() if watched is not None}

    async def series(self, route: str, *, minutes: int) -> Sequence[Point]:
        """The windows of the last ``minutes`` that are over, the oldest first."""
        now = self._clock.now()
        found = await self._watching.series(route, since=now - timedelta(minutes=minutes), at_most=PIECES)
        return [point_of(traffic) for traffic in found if traffic.until <= now]

    async def _of(self, route: Route) -> Watched | None:
        now = self._clock.now()
        judged = await self._watching.judge(route, since=now - JUDGED)
        if not (judged.traffic.new or judged.traffic.legacy):
            return None
        findings = tuple(Finding(check.name, check.outcome, check.because) for check in judged.verdict.checks)
        return Watched(
            point=point_of(await self._watching.traffic(route.name, since=now - NOW)),
            verdict=judged.verdict.outcome,
            findings=findings,
            same_share=judged.consistency.same_share if judged.consistency else None,
        )


class Compared:
    """The `Differences` of `matapalo.strangler.console.ports`."""

    def __init__(self, watching: Watching, findings: Findings, clock: Clock) -> None:
        self._watching = watching
        self._findings = findings
        self._clock = clock

    async def of(self, route: str) -> Comparison:
        """What the comparator found in the last day."""
        found = await self._watching.consistency(route, since=self._clock.now() - COMPARED)
        fields = found.fields[:FIELDS_SHOWN]
        samples = await self._watching.samples(route, [field.path for field in fields])
        return Comparison(
            compared=found.compared,
            dropped=found.dropped,
            same_share=found.same_share,
            fields=tuple(
                FieldDifference(
                    path=field.path,
                    kind=", ".join(field.kinds) or "value",
                    different=field.raw,
                    noise=field.noise,
                    standing=field.standing,
                    samples=tuple(
                        Sample(one.request, one.at, _indented(one.legacy), _indented(one.new))
                        for one in samples.get(field.path, ())
                    ),
                )
                for field in fields
            ),
        )


class Plans:
    """The `Rollouts` of `matapalo.strangler.console.ports`."""

    def __init__(self, rollouts: client.Rollouts) -> None:
        self._rollouts = rollouts

    async def latest(self) -> Mapping[str, Rollout]:
        """The last plan of each route that ever had one."""
        return {name: rollout_of(view) for name, view in (await self._rollouts.latest()).items()}

    async def start(self, route: str, plan: str, intent: Intent) -> None:
        """Starts a plan."""
        await self._rollouts.start(route, plan, by=intent.actor, why=intent.reason)

    async def tell(self, route: str, command: Command, intent: Intent) -> None:
        """Gives an order."""
        await self._rollouts.send(route, client.Command(command), by=intent.actor, why=intent.reason)


class Proof:
    """The `Decommission` of `matapalo.strangler.console.ports`."""

    def __init__(self, decommission: Decommission) -> None:
        self._decommission = decommission

    async def evidence(self, route: str) -> Evidence:
        """Whether the old side is dead."""
        report = await self._decommission.report(route)
        newest_first = sorted(report.evidence.callers.items(), key=lambda pair: -pair[1].last_ms)[:CALLERS_SHOWN]
        return Evidence(
            is_ready=report.is_ready,
            is_removed=report.evidence.route.retired,
            requirements=tuple(Requirement(one.is_met, one.because) for one in report.requirements),
            callers=tuple(
                LegacyCaller(
                    client=caller.client,
                    version=caller.version,
                    agent=caller.agent,
                    count=hits.count,
                    last_seen=datetime.fromtimestamp(hits.last_ms // 1000, UTC),
                )
                for caller, hits in newest_first
            ),
        )

    async def apply(self, route: str, intent: Intent) -> None:
        """Removes the legacy branch."""
        await self._decommission.apply(route, by=intent.actor, why=intent.reason)


def sources_of(
    changes: Changes,
    nodes: Callable[[], Awaitable[Nodes]],
    watching: Watching,
    findings: Findings,
    rollouts: client.Rollouts,
    decommission: Decommission,
    clock: Clock,
) -> Sources:
    """All five."""
    return Sources(
        routes=TableOfRoutes(changes, nodes),
        watching=Measurements(changes, watching, clock),
        differences=Compared(watching, findings, clock),
        rollouts=Plans(rollouts),
        decommission=Proof(decommission),
    )


def change_of(found: changed.Change) -> Change:
    """A change in words."""
    return Change(
        version=found.version,
        at=found.at,
        who=found.by,
        why=found.why,
        route=found.route,
        what=_what(found) or str(found.action),
        share_bp=found.after.share_bp,
        moved=found.before.share_bp != found.after.share_bp,
        evidence=_evidence(found.evidence),
    )


def _what(found: changed.Change) -> str:
    return ", ".join(
        f"{_NAMES.get(name, name)} {_value(name, before)} → {_value(name, after)}"
        for name, (before, after) in found.differences().items()
    )


_NAMES = {"share_bp": "share", "shadow_bp": "compared"}


def _value(name: str, value: Any) -> str:
    if name in _NAMES:
        return format_share(value)
    match value:
        case None:
            return "with the share"
        case bool():
            return "yes" if value else "no"
        case tuple():
            return f"{len(value)}"
        case _:
            return str(value)


def _evidence(found: Mapping[str, Any]) -> str:
    """What a rollout's gates had said."""
    match found.get("verdict"):
        case {"outcome": outcome, "because": because}:
            return f"{outcome}: {because}"
        case _:
            return ""


def _undone(newest_first: Sequence[changed.Change]) -> str | None:
    """What a rollback would bring back."""
    try:
        target = changed.rollback_target(newest_first)
    except InvalidChange:
        return None
    moves = newest_first[0].after.share_bp != target.route.share_bp
    return format_share(target.route.share_bp) if moves else f"version {target.version}"


def point_of(traffic: Traffic) -> Point:
    """A window as the charts want it."""
    length_s = traffic.length_s
    return Point(traffic.until, _window(traffic.legacy, length_s), _window(traffic.new, length_s))


def _window(side: SideTraffic, length_s: float) -> Window:
    return Window(
        rate=side.requests / length_s if length_s else 0.0,
        error_share=side.error_share,
        p50_ms=side.quantile_ms(0.5),
        p95_ms=side.quantile_ms(0.95),
        p99_ms=side.quantile_ms(0.99),
    )


def _indented(answer: Any) -> str:
    return json.dumps(answer, indent=2, ensure_ascii=False)
