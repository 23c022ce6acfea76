"""What a rollout does to the table of routes, and asks of it: the activities' side of `matapalo.strangler.store` and
of the gates.

A rollout writes as ``rollout:<route>``; that name in the history is how it tells its own changes from others'.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from matapalo.process.clock import Clock
from matapalo.strangler.errors import PreconditionFailed
from matapalo.strangler.metrics.reader import Judged
from matapalo.strangler.rollout.messages import CheckNote, Look, Moved, MoveShare, Seen, VerdictNote
from matapalo.strangler.routing.change import Change
from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.route import Route
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.verdict import Verdict

CONCERNS = frozenset({"share_bp", "new", "legacy", "writes", "retired"})
"""Fields whose change by somebody else pauses a rollout. Any other is taken note of."""


class History(Protocol):
    """Who changed what: `matapalo.strangler.store.routes.RouteStore`."""

    async def history(
        self, route: str | None = None, *, limit: int = 50, before: int | None = None, after: int = 0
    ) -> list[Change]: ...


class Gates(Protocol):
    """The verdicts: `matapalo.strangler.metrics.reader.Watching`."""

    async def judge_step(self, route: Route, *, since: datetime, recent: timedelta) -> Judged: ...


class RouteTable:
    """The `Table` of `matapalo.strangler.rollout.ports`."""

    def __init__(
        self,
        changes: Changes,
        history: History,
        gates: Gates,
        *,
        clock: Clock,
        judged: Callable[[str, str], None] = lambda route, outcome: None,
    ) -> None:
        self._changes = changes
        self._history = history
        self._gates = gates
        self._clock = clock
        self._judged = judged

    async def move(self, order: MoveShare) -> Moved:
        """Writes a share, or says who was in the way; a share that is there already is left alone."""
        me = _name(order.route)
        document = await self._changes.document()
        route, revision = document.route(order.route), document.revision(order.route)
        if meddled := _meddled(await self._others(document, order.route, order.expected)):
            return Moved(revision, conflict=_told(meddled))
        if route.share_bp == order.share_bp:
            return Moved(revision)
        why = order.why if order.on_behalf_of == me else f"{order.on_behalf_of}: {order.why}"
        try:
            change = await self._changes.set_route(
                route.name,
                {"share_bp": order.share_bp},
                by=me,
                why=why[:500],
                expected=revision,
                evidence=order.evidence,
            )
        except PreconditionFailed:
            return await self.move(replace(order, expected=revision if order.expected is not None else None))
        return Moved(change.version)

    async def look(self, question: Look) -> Seen:
        """What the gates say, and what others did to the route meanwhile."""
        document = await self._changes.document()
        route = document.route(question.route)
        judged = await self._gates.judge_step(route, since=question.since, recent=timedelta(seconds=question.recent_s))
        self._judged(route.name, judged.verdict.outcome.value)
        others = await self._others(document, question.route, question.expected)
        meddled = _meddled(others)
        return Seen(
            verdict=note_of(judged.verdict, self._clock),
            revision=document.revision(question.route),
            share_bp=route.share_bp,
            changed=_told(meddled or others),
            meddled=bool(meddled),
        )

    async def _others(self, document: RoutesDocument, route: str, expected: int | None) -> Sequence[Change]:
        """What others changed since the expected revision, the newest first."""
        if expected is None or document.revision(route) == expected:
            return ()
        name = document.route(route).name
        changes = await self._history.history(name, limit=20, after=expected)
        return [change for change in changes if change.by != _name(name)]


def note_of(verdict: Verdict, clock: Clock) -> VerdictNote:
    """A verdict as a rollout keeps it."""
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


def _meddled(others: Sequence[Change]) -> Sequence[Change]:
    return [change for change in others if CONCERNS & change.differences().keys()]


def _told(changes: Sequence[Change]) -> str:
    if not changes:
        return ""
    change = changes[0]
    fields = ", ".join(f"{name} from {before} to {after}" for name, (before, after) in change.differences().items())
    return f"{change.by} changed {fields} at version {change.version}: {change.why}"
