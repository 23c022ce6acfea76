"""How far a rollout is, as a value that its workflow moves along. No I/O, no clock: every method is told the time."""

from dataclasses import replace
from datetime import datetime, timedelta

from matapalo.strangler.rollout.messages import Entered, Event, Order, Phase, StartRollout, Step, VerdictNote, View
from matapalo.strangler.routing.share import format_share

EVENTS_KEPT = 100
PASS, FAIL = "PASS", "FAIL"


class Progress:
    """Wraps the view that everybody sees; the changes are here, so that no two of them disagree."""

    def __init__(self, start: StartRollout, now: datetime) -> None:
        self.view = start.so_far or View(
            route=start.route,
            phase=Phase.RUNNING,
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
        if start.so_far is None:
            self._note(now, "started", start.why, start.by)

    @property
    def current(self) -> Step | None:
        """The step that is being watched."""
        return self.view.plan[self.view.step] if self.view.step >= 0 else None

    @property
    def following(self) -> Step | None:
        """The step after it."""
        after = self.view.step + 1
        return self.view.plan[after] if after < len(self.view.plan) else None

    @property
    def is_free(self) -> bool:
        """Whether it may go on by itself."""
        return self.view.phase in (Phase.RUNNING, Phase.WAITING)

    @property
    def began_at(self) -> datetime:
        """When the current step was entered; the start before the first."""
        return self.view.entered[-1].at if self.view.entered else self.view.started_at

    def is_due(self, now: datetime) -> bool:
        """Whether the current step has lasted as long as the plan says."""
        return self.view.due_at is None or now >= self.view.due_at

    def next_check_in(self, now: datetime) -> timedelta:
        """How long until the gates are to be asked again."""
        every = timedelta(seconds=self.view.check_every_s)
        if self.view.due_at is None or now >= self.view.due_at:
            return every
        return min(every, self.view.due_at - now)

    def enter(self, now: datetime, revision: int, by: str) -> None:
        """The following step has been written as this revision."""
        step = self.following
        if step is None:
            raise ValueError("there is no step to enter")
        self._set(
            step=self.view.step + 1,
            share_bp=step.share_bp,
            revision=revision,
            entered=(*self.view.entered, Entered(now)),
            due_at=now + timedelta(seconds=step.lasts_s),
            verdict=None,
            failures=0,
            phase=Phase.RUNNING,
            because=f"watching {format_share(step.share_bp)}",
        )
        self._note(now, "step", f"{format_share(step.share_bp)} of the users have the new side", by)

    def judge(self, verdict: VerdictNote) -> None:
        """Takes in what the gates said."""
        before = self.view.verdict
        failures = self.view.failures
        if verdict.outcome == FAIL:
            failures += 1
        elif verdict.outcome == PASS:
            failures = 0
        entered = self.view.entered
        if entered:
            entered = (*entered[:-1], replace(entered[-1], outcome=verdict.outcome))
        self._set(verdict=verdict, failures=failures, entered=entered)
        if self.view.phase is Phase.RUNNING:
            self._set(because=f"{verdict.outcome}: {verdict.because}")
        if before is None or before.outcome != verdict.outcome:
            self._note(verdict.at, "verdict", f"{verdict.outcome}: {verdict.because}", "gates")

    @property
    def has_failed(self) -> bool:
        """Whether its gates have failed so often that it must be taken back."""
        verdict = self.view.verdict
        if verdict is None or verdict.outcome != FAIL:
            return False
        return verdict.is_critical or self.view.failures >= self.view.failures_allowed

    def wait_for_approval(self, now: datetime) -> None:
        """The following step needs somebody's word."""
        if self.view.phase is not Phase.WAITING and (step := self.following) is not None:
            text = f"{format_share(step.share_bp)} needs approval"
            self._set(phase=Phase.WAITING, because=text)
            self._note(now, "waiting", text, "plan")

    def hold(self, now: datetime, order: Order) -> None:
        """An operator keeps it where it is."""
        self._set(phase=Phase.HELD, because=f"held by {order.by}: {order.why}")
        self._note(now, "held", order.why, order.by)

    def pause(self, now: datetime, because: str) -> None:
        """Somebody changed the route by hand, or the table does not allow what the plan says."""
        if self.view.phase is not Phase.PAUSED:
            self._set(phase=Phase.PAUSED, because=because)
            self._note(now, "paused", because, "table")

    def resume(self, now: datetime, order: Order) -> None:
        """An operator lets it go on."""
        self._set(phase=Phase.RUNNING, because=f"resumed by {order.by}: {order.why}", failures=0)
        self._note(now, "resumed", order.why, order.by)

    def advance(self, now: datetime, order: Order) -> None:
        """An operator sends it to the following step, whatever its gates say."""
        self._set(phase=Phase.RUNNING, because=f"advanced by {order.by}: {order.why}")
        self._note(now, "advanced", order.why, order.by)

    def adopt(self, now: datetime, revision: int, text: str) -> None:
        """The route has another revision, and that is all right."""
        self._set(revision=revision)
        if text:
            self._note(now, "adopted", text, "table")

    def finish(self, now: datetime, because: str) -> None:
        """The last step is over."""
        self._set(phase=Phase.DONE, because=because, finished_at=now, due_at=None)
        self._note(now, "done", because, "plan")

    def roll_back(self, now: datetime, revision: int, order: Order) -> None:
        """The route is back at 0 %."""
        self._set(
            phase=Phase.ROLLED_BACK,
            because=f"rolled back by {order.by}: {order.why}",
            share_bp=0,
            revision=revision,
            finished_at=now,
            due_at=None,
        )
        self._note(now, "rolled-back", order.why, order.by)

    def _set(self, **changes: object) -> None:
        self.view = replace(self.view, **changes)  # type: ignore[arg-type]
        self.has_news = True

    def _note(self, at: datetime, kind: str, text: str, by: str) -> None:
        event = Event(at=at, kind=kind, text=text, by=by, share_bp=self.view.share_bp)
        self._set(events=(*self.view.events, event)[-EVENTS_KEPT:])
