"""The progress of a rollout: its state and all its transitions. No I/O, no clock: every method takes the time."""

from dataclasses import replace
from datetime import datetime, timedelta

from matapalo.strangler.rollout.messages import (
    Event,
    OperatorCommand,
    RolloutPhase,
    RolloutState,
    StartRollout,
    Step,
    StepEntry,
    VerdictNote,
)
from matapalo.strangler.routing.share import format_share

EVENTS_KEPT = 100
PASS, FAIL = "PASS", "FAIL"


class RolloutProgress:
    """Holds the state that operators read and replaces it at every transition."""

    def __init__(self, start: StartRollout, now: datetime) -> None:
        self.state = start.continued or RolloutState(
            route=start.route,
            phase=RolloutPhase.RUNNING,
            because="it has just been started",
            plan=start.plan,
            step=-1,
            share_bp=start.share_bp,
            by=start.by,
            why=start.why,
            started_at=now,
            check_every_s=start.check_every_s,
            failures=0,
            failures_allowed=start.failures_allowed,
            revision=start.revision,
        )
        self.has_news = True
        if start.continued is None:
            self._note(now, "started", start.why, start.by)

    @property
    def current(self) -> Step | None:
        """The step whose share is live."""
        return self.state.plan[self.state.step] if self.state.step >= 0 else None

    @property
    def following(self) -> Step | None:
        after = self.state.step + 1
        return self.state.plan[after] if after < len(self.state.plan) else None

    @property
    def is_free(self) -> bool:
        """Whether no operator and no conflict keeps it where it is."""
        return self.state.phase in (RolloutPhase.RUNNING, RolloutPhase.WAITING)

    @property
    def began_at(self) -> datetime:
        """When the current step was entered; the start before the first."""
        return self.state.entered[-1].at if self.state.entered else self.state.started_at

    def is_due(self, now: datetime) -> bool:
        return self.state.due_at is None or now >= self.state.due_at

    def next_check_in(self, now: datetime) -> timedelta:
        """How long until the gates are to be checked again."""
        every = timedelta(seconds=self.state.check_every_s)
        if self.state.due_at is None or now >= self.state.due_at:
            return every
        return min(every, self.state.due_at - now)

    def enter(self, now: datetime, revision: int, by: str) -> None:
        """Make the following step the current one: it has been written as this revision."""
        step = self.following
        if step is None:
            raise ValueError("there is no step to enter")
        self._set(
            step=self.state.step + 1,
            share_bp=step.share_bp,
            revision=revision,
            entered=(*self.state.entered, StepEntry(now)),
            due_at=now + timedelta(seconds=step.lasts_s),
            verdict=None,
            failures=0,
            phase=RolloutPhase.RUNNING,
            because=f"watching {format_share(step.share_bp)}",
        )
        self._note(now, "step", f"{format_share(step.share_bp)} of the users have the new side", by)

    def judge(self, verdict: VerdictNote) -> None:
        before = self.state.verdict
        failures = self.state.failures
        if verdict.outcome == FAIL:
            failures += 1
        elif verdict.outcome == PASS:
            failures = 0
        entered = self.state.entered
        if entered:
            entered = (*entered[:-1], replace(entered[-1], outcome=verdict.outcome))
        self._set(verdict=verdict, failures=failures, entered=entered)
        if self.state.phase is RolloutPhase.RUNNING:
            self._set(because=f"{verdict.outcome}: {verdict.because}")
        if before is None or before.outcome != verdict.outcome:
            self._note(verdict.at, "verdict", f"{verdict.outcome}: {verdict.because}", "gates")

    @property
    def has_failed(self) -> bool:
        """Whether its gates have failed so often that it must be rolled back."""
        verdict = self.state.verdict
        if verdict is None or verdict.outcome != FAIL:
            return False
        return verdict.is_critical or self.state.failures >= self.state.failures_allowed

    def wait_for_approval(self, now: datetime) -> None:
        if self.state.phase is not RolloutPhase.WAITING and (step := self.following) is not None:
            text = f"{format_share(step.share_bp)} needs approval"
            self._set(phase=RolloutPhase.WAITING, because=text)
            self._note(now, "waiting", text, "plan")

    def hold(self, now: datetime, command: OperatorCommand) -> None:
        self._set(phase=RolloutPhase.HELD, because=f"held by {command.by}: {command.why}")
        self._note(now, "held", command.why, command.by)

    def pause(self, now: datetime, because: str) -> None:
        """Stop after an external change, or because the table refuses the plan's share."""
        if self.state.phase is not RolloutPhase.PAUSED:
            self._set(phase=RolloutPhase.PAUSED, because=because)
            self._note(now, "paused", because, "table")

    def resume(self, now: datetime, command: OperatorCommand) -> None:
        self._set(phase=RolloutPhase.RUNNING, because=f"resumed by {command.by}: {command.why}", failures=0)
        self._note(now, "resumed", command.why, command.by)

    def advance(self, now: datetime, command: OperatorCommand) -> None:
        self._set(phase=RolloutPhase.RUNNING, because=f"advanced by {command.by}: {command.why}")
        self._note(now, "advanced", command.why, command.by)

    def adopt(self, now: datetime, revision: int, text: str) -> None:
        """Go on from another revision of the route; ``text`` notes an external change that is no conflict."""
        self._set(revision=revision)
        if text:
            self._note(now, "adopted", text, "table")

    def finish(self, now: datetime, because: str) -> None:
        self._set(phase=RolloutPhase.DONE, because=because, finished_at=now, due_at=None)
        self._note(now, "done", because, "plan")

    def roll_back(self, now: datetime, revision: int, command: OperatorCommand) -> None:
        """End it: 0 % has been written as this revision."""
        self._set(
            phase=RolloutPhase.ROLLED_BACK,
            because=f"rolled back by {command.by}: {command.why}",
            share_bp=0,
            revision=revision,
            finished_at=now,
            due_at=None,
        )
        self._note(now, "rolled-back", command.why, command.by)

    def _set(self, **changes: object) -> None:
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]
        self.has_news = True

    def _note(self, at: datetime, kind: str, text: str, by: str) -> None:
        event = Event(at=at, kind=kind, text=text, by=by, share_bp=self.state.share_bp)
        self._set(events=(*self.state.events, event)[-EVENTS_KEPT:])
