"""A rollout as the console shows it: which steps are behind it, and which buttons fit its phase. Pure."""

from datetime import timedelta

from matapalo.process.duration import format_duration
from matapalo.strangler.console.ports import Command, Rollout, RolloutState, Step, StepState
from matapalo.strangler.rollout import messages
from matapalo.strangler.rollout.messages import Phase
from matapalo.strangler.verdict import Outcome

_STATES = {
    Phase.RUNNING: RolloutState.RUNNING,
    Phase.WAITING: RolloutState.WAITING,
    Phase.HELD: RolloutState.HELD,
    Phase.PAUSED: RolloutState.PAUSED,
    Phase.DONE: RolloutState.DONE,
    Phase.ROLLED_BACK: RolloutState.ROLLED_BACK,
}
_GOES_ON = (Command.HOLD, Command.ADVANCE, Command.ROLLBACK)
_STANDS_STILL = (Command.RESUME, Command.ROLLBACK)


def rollout_of(view: messages.RolloutState) -> Rollout:
    """The last known state of a plan."""
    return Rollout(
        route=view.route,
        state=_STATES[view.phase],
        because=view.because,
        steps=tuple(_step(view, index) for index in range(len(view.plan))),
        by=view.by,
        until=None if view.phase.is_over else view.due_at,
        allowed=_allowed(view.phase),
    )


def _allowed(phase: Phase) -> tuple[Command, ...]:
    if phase.is_over:
        return ()
    return _GOES_ON if phase in (Phase.RUNNING, Phase.WAITING) else _STANDS_STILL


def _step(view: messages.RolloutState, index: int) -> Step:
    planned = view.plan[index]
    entered = view.entered[index] if index < len(view.entered) else None
    return Step(
        share_bp=planned.share_bp,
        length=f"for {format_duration(timedelta(seconds=planned.lasts_s))}" if planned.lasts_s else "to the end",
        state=_state(view, index),
        needs_approval=planned.needs_approval,
        began=entered.at if entered else None,
        verdict=Outcome(entered.outcome) if entered and entered.outcome else None,
    )


def _state(view: messages.RolloutState, index: int) -> StepState:
    if index > view.step:
        return StepState.NEXT
    is_behind = index < view.step or view.phase.is_over
    return StepState.DONE if is_behind else StepState.CURRENT
