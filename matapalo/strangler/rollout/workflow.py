"""The rollout of a route: step by step through its plan, as long as the gates pass.

    enter a step ─▶ wait ─▶ check the gates ─▶ FAIL, often or badly enough ─▶ 0 %, over
         ▲                        │ HOLD: wait and check again, however long
         └──── PASS and due ──────┘ (a step that needs approval waits for `advance`)

One a route (workflow id ``rollout:<route>``). It never fights: a share is written only if the route is as the rollout
last wrote it; after an external change it pauses until it is resumed. Held, it goes no further but is still rolled back
by its gates; paused, it writes nothing. A cancellation rolls it back.

Runs in the sandbox: no I/O, no clock but `workflow.now`, light imports (tests/architecture/test_workflows_light.py). A
rollout lives for weeks: every change here needs `workflow.patched` (tests/replay).
"""

import asyncio
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from matapalo.process.cancellation import to_the_end
    from matapalo.strangler.rollout.activities import REFUSED, RolloutActivities
    from matapalo.strangler.rollout.messages import (
        CheckGates,
        Moved,
        MoveShare,
        OperatorCommand,
        RolloutPhase,
        RolloutState,
        StartRollout,
        VerdictNote,
    )
    from matapalo.strangler.rollout.progress import PASS, RolloutProgress
    from matapalo.strangler.routing.share import format_share

TASK_QUEUE = "rollouts"
NOT_NOW = "NotNow"
"""The type of the error that refuses a command which does not fit the phase."""
LONGEST_WHY = 500

ATTEMPT_TIMEOUT = timedelta(seconds=10)
GATES_TIMEOUT = timedelta(minutes=1)
SNAPSHOT_TIMEOUT = timedelta(seconds=2)
ROLLBACK_WAIT = timedelta(seconds=4)

RETRY_UNTIL_TIMEOUT = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10))
RETRY_FOREVER = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10))
NO_RETRY = RetryPolicy(maximum_attempts=1)


@workflow.defn
class RolloutWorkflow:
    """A route's way from a few users to all of them."""

    @workflow.init
    def __init__(self, start: StartRollout) -> None:
        self._start = start
        self._me = f"rollout:{start.route}"
        self._progress = RolloutProgress(start, workflow.now())
        self._rollback: OperatorCommand | None = None
        self._advance: OperatorCommand | None = None
        self._resumed = False
        self._overwrites = False
        """Resumed after an external change: the next share is written whatever the revision is."""

    @workflow.run
    async def run(self, _start: StartRollout) -> RolloutState:
        """Carry the plan out; the state at its end."""
        try:
            await self._carry_out()
        except (asyncio.CancelledError, ActivityError) as error:
            if not is_cancelled_exception(error):
                raise
            await to_the_end(self._cancelled())
            raise
        await self._save_snapshot()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._progress.state

    @workflow.query
    def state(self) -> RolloutState:
        return self._progress.state

    @workflow.update
    def hold(self, command: OperatorCommand) -> RolloutState:
        """Stay at the current step; the gates may still roll it back."""
        self._progress.hold(workflow.now(), command)
        return self._progress.state

    @hold.validator
    def _may_hold(self, command: OperatorCommand) -> None:
        self._require("hold", RolloutPhase.RUNNING, RolloutPhase.WAITING)

    @workflow.update
    def resume(self, command: OperatorCommand) -> RolloutState:
        """Go on. After an external change the share of the current step is written again."""
        self._overwrites = self._progress.state.phase is RolloutPhase.PAUSED
        self._progress.resume(workflow.now(), command)
        self._resumed = True
        return self._progress.state

    @resume.validator
    def _may_resume(self, command: OperatorCommand) -> None:
        self._require("resume", RolloutPhase.HELD, RolloutPhase.PAUSED)

    @workflow.update
    def advance(self, command: OperatorCommand) -> RolloutState:
        """Enter the following step now, whatever time and gates say; the approval that a step may need."""
        self._progress.advance(workflow.now(), command)
        self._advance = command
        return self._progress.state

    @advance.validator
    def _may_advance(self, command: OperatorCommand) -> None:
        self._require("advance", RolloutPhase.RUNNING, RolloutPhase.WAITING)

    @workflow.update
    async def rollback(self, command: OperatorCommand) -> RolloutState:
        """Back to 0 %, also over external changes. Returns when that is written, or after a few seconds."""
        self._rollback = command
        with suppress(TimeoutError):
            await workflow.wait_condition(lambda: self._progress.state.phase.is_over, timeout=ROLLBACK_WAIT)
        return self._progress.state

    @rollback.validator
    def _may_roll_back(self, command: OperatorCommand) -> None:
        self._require("roll back", RolloutPhase.RUNNING, RolloutPhase.WAITING, RolloutPhase.HELD, RolloutPhase.PAUSED)

    async def _carry_out(self) -> None:
        await self._go_on()
        while not self._progress.state.phase.is_over:
            await self._save_snapshot()
            if workflow.info().is_continue_as_new_suggested():
                await workflow.wait_condition(workflow.all_handlers_finished)
                if not self._has_command:
                    workflow.continue_as_new(replace(self._start, continued=self._progress.state))
            await self._turn()

    async def _turn(self) -> None:
        """Wait until the gates are due, or until there is a command or news; then do what follows."""
        gates_are_due = await self._wait()
        if self._rollback is not None:
            await self._roll_back(self._rollback, expected=None)
        elif gates_are_due or self._resumed:
            if self._resumed:
                await self._restore_share()
            await self._check_gates()
        if not self._progress.state.phase.is_over:
            await self._go_on()

    @property
    def _has_command(self) -> bool:
        return self._rollback is not None or self._advance is not None or self._resumed

    async def _wait(self) -> bool:
        try:
            await workflow.wait_condition(
                lambda: self._has_command or self._progress.has_news,
                timeout=self._progress.next_check_in(workflow.now()),
                timeout_summary="the gates are checked",
            )
        except TimeoutError:
            return True
        return False

    async def _go_on(self) -> None:
        """Enter the following step if nothing speaks against it."""
        progress = self._progress
        command, self._advance = self._advance, None
        if not progress.is_free or not (command or self._may_leave()):
            return
        step = progress.following
        if step is None:
            progress.finish(workflow.now(), f"{format_share(progress.state.share_bp)} has been watched to the end")
        elif step.needs_approval and command is None:
            progress.wait_for_approval(workflow.now())
        else:
            await self._enter(step.share_bp, command)

    def _may_leave(self) -> bool:
        """Whether the current step is over: it has lasted, and its gates passed just now."""
        progress = self._progress
        if progress.current is None:
            return True
        verdict = progress.state.verdict
        is_passed = verdict is not None and verdict.outcome == PASS and progress.is_due(verdict.at)
        return is_passed and progress.is_due(workflow.now())

    async def _enter(self, share_bp: int, command: OperatorCommand | None) -> None:
        progress = self._progress
        why = f"{progress.state.why} (the plan's next step)" if command is None else command.why
        moved = await self._move(share_bp, None if self._overwrites else progress.state.revision, why, command)
        if moved is None:
            return
        self._overwrites = False
        progress.enter(workflow.now(), moved.revision, command.by if command else self._me)
        step = progress.current
        if step is not None and not step.lasts_s and progress.following is None:
            progress.finish(workflow.now(), f"{format_share(share_bp)} of the users have the new side")

    async def _check_gates(self) -> None:
        progress = self._progress
        if progress.current is None:
            return
        state = progress.state
        request = CheckGates(state.route, state.revision, progress.began_at, state.check_every_s)
        try:
            report = await workflow.execute_activity_method(
                RolloutActivities.check_gates,
                request,
                start_to_close_timeout=ATTEMPT_TIMEOUT,
                schedule_to_close_timeout=GATES_TIMEOUT,
                retry_policy=RETRY_UNTIL_TIMEOUT,
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            progress.judge(VerdictNote("HOLD", f"the gates could not be checked: {_cause(error)}", workflow.now()))
            return
        progress.judge(replace(report.verdict, at=workflow.now()))
        if progress.state.phase is RolloutPhase.PAUSED or self._overwrites:
            return  # resumed while the gates were checked: the share they judged is about to be overwritten
        if report.is_conflict:
            progress.pause(workflow.now(), report.external_change)
        elif progress.has_failed:
            await self._roll_back(OperatorCommand(self._me, self._failure()), expected=report.revision)
        elif report.revision != progress.state.revision:
            progress.adopt(workflow.now(), report.revision, report.external_change)

    def _failure(self) -> str:
        state = self._progress.state
        gates = f"{state.failures} gates in a row failed" if state.failures > 1 else "its gate failed"
        return f"{gates} at {format_share(state.share_bp)}: {state.verdict.because if state.verdict else ''}"

    async def _restore_share(self) -> None:
        """After a pause that an operator ended: the plan holds again."""
        self._resumed = False
        step = self._progress.current
        if self._overwrites and step is not None:
            moved = await self._move(step.share_bp, None, "the rollout was resumed", None)
            if moved is not None:
                self._overwrites = False
                self._progress.adopt(workflow.now(), moved.revision, "")

    async def _roll_back(self, command: OperatorCommand, *, expected: int | None) -> None:
        self._rollback = None
        moved = await self._move(0, expected, command.why, command)
        if moved is not None:
            self._progress.roll_back(workflow.now(), moved.revision, command)

    async def _move(
        self, share_bp: int, expected: int | None, why: str, command: OperatorCommand | None
    ) -> Moved | None:
        """Write a share; None, and the rollout is paused, when an external change or a rule is in the way."""
        state = self._progress.state
        request = MoveShare(
            route=state.route,
            share_bp=share_bp,
            expected=expected,
            why=why[:LONGEST_WHY],
            on_behalf_of=command.by if command else state.by,
            evidence=_evidence(state),
        )
        try:
            moved = await workflow.execute_activity_method(
                RolloutActivities.move_share,
                request,
                start_to_close_timeout=ATTEMPT_TIMEOUT,
                retry_policy=RETRY_FOREVER,
            )
        except ActivityError as error:
            is_refused = isinstance(error.cause, ApplicationError) and error.cause.type == REFUSED
            if is_cancelled_exception(error) or not is_refused:
                raise
            self._progress.pause(workflow.now(), f"{format_share(share_bp)} cannot be written: {_cause(error)}")
            return None
        if moved.conflict:
            self._progress.pause(workflow.now(), moved.conflict)
            return None
        return moved

    async def _cancelled(self) -> None:
        command = OperatorCommand("temporal", "the workflow was cancelled")
        await self._roll_back(command, expected=None)
        await self._save_snapshot()

    async def _save_snapshot(self) -> None:
        """Save the news for operators. What cannot be saved now is saved with the next news."""
        progress = self._progress
        if not progress.has_news:
            return
        progress.has_news = False
        workflow.set_current_details(f"**{progress.state.route}** {progress.state.phase}: {progress.state.because}")
        try:
            await workflow.execute_local_activity_method(
                RolloutActivities.save_snapshot,
                progress.state,
                start_to_close_timeout=SNAPSHOT_TIMEOUT,
                retry_policy=NO_RETRY,
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise

    def _require(self, action: str, *phases: RolloutPhase) -> None:
        phase = self._progress.state.phase
        if phase not in phases:
            raise ApplicationError(
                f"cannot {action} the rollout of {self._progress.state.route!r}: it is "
                f"{phase.lower().replace('_', ' ')}, and it would have to be {', '.join(phases).lower()}",
                type=NOT_NOW,
            )


def _evidence(state: RolloutState) -> dict[str, Any]:
    """The verdict behind a decision, for the history of the route."""
    if state.verdict is None:
        return {}
    return {"verdict": {**asdict(state.verdict), "at": state.verdict.at.isoformat()}}


def _cause(error: ActivityError) -> str:
    cause = error.cause
    while isinstance(cause, FailureError) and cause.cause is not None and not isinstance(cause, ApplicationError):
        cause = cause.cause
    return cause.message if isinstance(cause, ApplicationError) else str(cause or error)
