"""The `RouteTable` of a rollout's activities: the stored table of routes, and the verdicts of the metrics reader.

A rollout writes as ``rollout:<route>``; that name in the history is how it tells its own changes from external ones.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from matapalo.process.clock import Clock
from matapalo.strangler.errors import PreconditionFailed
from matapalo.strangler.rollout.messages import CheckGates, CheckNote, GateReport, Moved, MoveShare, VerdictNote
from matapalo.strangler.routing.change import Change
from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.route import Route
from matapalo.strangler.store.changes import LONGEST_WHY, Changes
from matapalo.strangler.verdict.checks import Verdict
from matapalo.strangler.verdict.reader import Judgement

CONFLICTING = frozenset({"share_bp", "new", "legacy", "writes", "retired"})
"""Fields whose external change pauses a rollout. Any other is only noted in its timeline."""

JudgeStep: TypeAlias = Callable[[Route, datetime, timedelta], Awaitable[Judgement]]
"""The verdict on a step that began then, and the length of its latest part."""


@dataclass(frozen=True)
class StoredRouteTable:
    """Moves shares and checks gates for all rollouts. ``on_verdict`` is called with route and outcome."""

    changes: Changes
    judge_step: JudgeStep
    clock: Clock
    on_verdict: Callable[[str, str], None] = lambda route, outcome: None

    async def move(self, request: MoveShare) -> Moved:
        """Write a share, unless an external change is in the way; a share that is there already is left alone."""
        me = _name(request.route)
        document = await self.changes.document()
        route, revision = document.route(request.route), document.revision(request.route)
        if conflicts := _conflicts(await self._external_changes(document, request.route, request.expected)):
            return Moved(revision, conflict=_sentence(conflicts))
        if route.share_bp == request.share_bp:
            return Moved(revision)
        why = request.why if request.on_behalf_of == me else f"{request.on_behalf_of}: {request.why}"
        try:
            change = await self.changes.set_route(
                route.name,
                {"share_bp": request.share_bp},
                by=me,
                why=why[:LONGEST_WHY],
                expected=revision,
                evidence=request.evidence,
            )
        except PreconditionFailed:
            return await self.move(replace(request, expected=revision if request.expected is not None else None))
        return Moved(change.version)

    async def check(self, request: CheckGates) -> GateReport:
        """Judge the current step, and report external changes of the route meanwhile."""
        document = await self.changes.document()
        route = document.route(request.route)
        judged = await self.judge_step(route, request.since, timedelta(seconds=request.recent_s))
        self.on_verdict(route.name, judged.verdict.outcome.value)
        changes = await self._external_changes(document, request.route, request.expected)
        conflicts = _conflicts(changes)
        return GateReport(
            verdict=note_of(judged.verdict, self.clock),
            revision=document.revision(request.route),
            share_bp=route.share_bp,
            external_change=_sentence(conflicts or changes),
            is_conflict=bool(conflicts),
        )

    async def _external_changes(self, document: RoutesDocument, route: str, expected: int | None) -> Sequence[Change]:
        """Changes since the expected revision that are not the rollout's own, the newest first."""
        if expected is None or document.revision(route) == expected:
            return ()
        name = document.route(route).name
        changes = await self.changes.history(name, limit=20, after=expected)
        return [change for change in changes if change.by != _name(name)]


def note_of(verdict: Verdict, clock: Clock) -> VerdictNote:
    return VerdictNote(
        outcome=verdict.outcome.value,
        because=verdict.because,
        at=clock.now(),
        checks=tuple(
            CheckNote(check.name, check.outcome.value, check.because, dict(check.numbers)) for check in verdict.checks
        ),
        is_critical=verdict.is_critical,
    )


def _name(route: str) -> str:
    return f"rollout:{route}"


def _conflicts(changes: Sequence[Change]) -> Sequence[Change]:
    return [change for change in changes if CONFLICTING & change.differences().keys()]


def _sentence(changes: Sequence[Change]) -> str:
    if not changes:
        return ""
    change = changes[0]
    fields = ", ".join(f"{name} from {before} to {after}" for name, (before, after) in change.differences().items())
    return f"{change.by} changed {fields} at version {change.version}: {change.why}"
