"""What the pages add to the strangler's own values: words, glyphs, and the parts that are shown together. Pure.

Shares of users are basis points, every other share is 0-1, times are UTC. None means that nothing was measured.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from matapalo.process.duration import format_duration
from matapalo.strangler.decommission.report import Report, Requirement
from matapalo.strangler.errors import InvalidChange
from matapalo.strangler.metrics.traffic import SideRates, Traffic
from matapalo.strangler.rollout.client import Command
from matapalo.strangler.rollout.messages import RolloutPhase, RolloutState, Step, StepEntry
from matapalo.strangler.routing import change as changes
from matapalo.strangler.routing.change import Change
from matapalo.strangler.routing.hits import Hits, LegacyCaller
from matapalo.strangler.routing.share import format_share
from matapalo.strangler.shadow.consistency import Consistency
from matapalo.strangler.shadow.findings import Sample
from matapalo.strangler.verdict.checks import Verdict

CALLERS_SHOWN = 20


# --- metrics ---------------------------------------------------------------------------------------------------------


class Point(NamedTuple):
    """Both sides in one window that ended ``at``."""

    at: datetime
    legacy: SideRates
    new: SideRates

    @classmethod
    def of(cls, traffic: Traffic) -> "Point":
        return cls(traffic.until, traffic.legacy.rates(traffic.length_s), traffic.new.rates(traffic.length_s))


class RouteMetrics(NamedTuple):
    """A route now: what it does, and the verdict on its last minutes."""

    point: Point
    verdict: Verdict
    same_share: float | None


class Differences(NamedTuple):
    consistency: Consistency
    samples: Mapping[str, Sequence[Sample]]


# --- history ---------------------------------------------------------------------------------------------------------

_FIELDS = {"share_bp": "share", "shadow_bp": "compared"}


def differences_in_words(change: Change) -> str:
    """A change as "share 5 % → 25 %, writes legacy → new"; the action's name where no field differs."""
    return ", ".join(
        f"{_FIELDS.get(name, name)} {_in_words(name, before)} → {_in_words(name, after)}"
        for name, (before, after) in change.differences().items()
    ) or str(change.action)  # fmt: skip


def _in_words(name: str, value: Any) -> str:
    match value:
        case int() if name in _FIELDS:
            return format_share(value)
        case None:
            return "with the share"
        case bool():
            return "yes" if value else "no"
        case tuple():
            return str(len(value))
        case _:
            return str(value)


def verdict_in_words(change: Change) -> str:
    """What a rollout's gates had said when it made this change."""
    match change.evidence.get("verdict"):
        case {"outcome": outcome, "because": because}:
            return f"{outcome}: {because}"
        case _:
            return ""


def rollback_target(newest_first: Sequence[Change]) -> str | None:
    """What a rollback of this route would bring back; None where there is nothing to go back to."""
    try:
        target = changes.rollback_target(newest_first)
    except InvalidChange:
        return None
    moves = newest_first[0].after.share_bp != target.route.share_bp
    return format_share(target.route.share_bp) if moves else f"version {target.version}"


# --- rollouts --------------------------------------------------------------------------------------------------------


class PhaseLabel(NamedTuple):
    glyph: str
    words: str
    kind: str
    commands: tuple[Command, ...] = ()


_WHILE_MOVING = (Command.HOLD, Command.ADVANCE, Command.ROLLBACK)
_WHILE_STOPPED = (Command.RESUME, Command.ROLLBACK)
PHASES: Mapping[RolloutPhase, PhaseLabel] = {
    RolloutPhase.RUNNING: PhaseLabel("▶", "running", "run", _WHILE_MOVING),
    RolloutPhase.WAITING: PhaseLabel("?", "needs approval", "hold", _WHILE_MOVING),
    RolloutPhase.HELD: PhaseLabel("Ⅱ", "held", "hold", _WHILE_STOPPED),
    RolloutPhase.PAUSED: PhaseLabel("Ⅱ", "paused", "hold", _WHILE_STOPPED),
    RolloutPhase.DONE: PhaseLabel("✓", "done", "pass"),
    RolloutPhase.ROLLED_BACK: PhaseLabel("↩", "rolled back", "fail"),
}


class PlanStep(NamedTuple):
    """A step of a plan. ``state``: done, current or next."""

    share_bp: int
    length: str
    needs_approval: bool
    state: str
    entered: StepEntry | None


class Plan(NamedTuple):
    """A rollout as its region shows it: nothing that changes without a change of what is seen."""

    because: str
    by: str
    until: datetime | None
    """When the current step may end."""
    steps: tuple[PlanStep, ...]
    commands: tuple[Command, ...]

    @classmethod
    def of(cls, view: RolloutState) -> "Plan":
        return cls(
            because=view.because,
            by=view.by,
            until=None if view.phase.is_over else view.due_at,
            steps=tuple(_plan_step(view, index, step) for index, step in enumerate(view.plan)),
            commands=PHASES[view.phase].commands,
        )


def _plan_step(view: RolloutState, index: int, step: Step) -> PlanStep:
    is_done = index < view.step or (index == view.step and view.phase.is_over)
    return PlanStep(
        share_bp=step.share_bp,
        length=f"for {format_duration(timedelta(seconds=step.lasts_s))}" if step.lasts_s else "to the end",
        needs_approval=step.needs_approval,
        state="done" if is_done else "current" if index == view.step else "next",
        entered=view.entered[index] if index < len(view.entered) else None,
    )


# --- decommission ----------------------------------------------------------------------------------------------------


class Proof(NamedTuple):
    """A report as its region shows it, with the callers seen last."""

    is_ready: bool
    is_retired: bool
    requirements: tuple[Requirement, ...]
    callers: tuple[tuple[LegacyCaller, Hits], ...]

    @classmethod
    def of(cls, report: Report) -> "Proof":
        callers = (*report.evidence.callers.items(),)[:CALLERS_SHOWN]
        return cls(report.is_ready, report.evidence.route.retired, report.requirements, callers)
