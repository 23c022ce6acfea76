"""The rollout of a route: step by step through its plan, as long as the gates pass.

    enter a step ─▶ wait ─▶ ask the gates ─▶ FAIL, often or badly enough ─▶ 0 %, over
         ▲                        │ HOLD: wait and ask again, however long
         └──── PASS and due ──────┘ (a step that needs approval waits for `advance`)

One a route (workflow id ``rollout:<route>``). It never fights: a share is written only if nobody else changed the route
since it was last written here, and whoever did is told from the history; then it pauses until it is resumed. Held, it
goes no further but is still taken back by its gates; paused, it keeps its hands off. A cancellation takes it back.

Runs in the sandbox: no I/O, no clock but `workflow.now`, light imports (tests/architecture/test_workflows_light.py). A
rollout lives for weeks: every change here needs `workflow.patched` (tests/replay), and a long history goes on as new.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from matapalo.strangler.rollout.activities import REFUSED, RolloutActivities
    from matapalo.strangler.rollout.messages import (
        Look,
        Moved,
        MoveShare,
        Order,
        Phase,
        StartRollout,
        VerdictNote,
        View,
    )
    from matapalo.strangler.rollout.progress import PASS, Progress
    from matapalo.strangler.routing.share import format_share

TASK_QUEUE = "rollouts"
NOT_NOW = "NotNow"
"""The type of the error that refuses an order which does not fit the phase."""

ATTEMPT_LIMIT = timedelta(seconds=10)
LOOK_PATIENCE = timedelta(minutes=1)
SHOW_LIMIT = timedelta(seconds=2)
ROLLBACK_PATIENCE = timedelta(seconds=4)

PATIENTLY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10))
STUBBORNLY = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10))
ONCE = RetryPolicy(maximum_attempts=1)


@workflow.defn
class RollOut:
    """One route's way from a few users to all of them."""

    @workflow.init
    def __init__(self, start: StartRollout) -> None:
        self._start = start
        self._me = f"rollout:{start.route}"
        self._progress = Progress(start, workflow.now())
        self._rollback: Order | None = None
        self._advance: Order | None = None
        self._resumed = False
        self._takes_over = False

    @workflow.run
    async def run(self, _start: StartRollout) -> View:
        """Carry the plan out; how it ended."""
        try:
            await self._carry_out()
        except (asyncio.CancelledError, ActivityError) as error:
            if not is_cancelled_exception(error):
                raise
            await _to_the_end(self._cancelled())
            raise
        await self._show()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._progress.view

    @workflow.query
    def view(self) -> View:
        """All there is to know."""
        return self._progress.view

    @workflow.update
    def hold(self, order: Order) -> View:
        """Go no further."""
        self._progress.hold(workflow.now(), order)
        return self._progress.view

    @hold.validator
    def _may_hold(self, order: Order) -> None:
        self._needs("hold", Phase.RUNNING, Phase.WAITING)

    @workflow.update
    def resume(self, order: Order) -> View:
        """Go on. After a change by hand the share of the current step is written again."""
        self._takes_over = self._progress.view.phase is Phase.PAUSED
        self._progress.resume(workflow.now(), order)
        self._resumed = True
        return self._progress.view

    @resume.validator
    def _may_resume(self, order: Order) -> None:
        self._needs("resume", Phase.HELD, Phase.PAUSED)

    @workflow.update
    def advance(self, order: Order) -> View:
        """Enter the following step now, whatever time and gates say; the approval that a step may need."""
        self._progress.advance(workflow.now(), order)
        self._advance = order
        return self._progress.view

    @advance.validator
    def _may_advance(self, order: Order) -> None:
        self._needs("advance", Phase.RUNNING, Phase.WAITING)

    @workflow.update
    async def rollback(self, order: Order) -> View:
        """Back to 0 %, whoever changed the route meanwhile. Answers when that is written, or after a few seconds."""
        self._rollback = order
        with suppress(TimeoutError):
            await workflow.wait_condition(lambda: self._progress.view.phase.is_over, timeout=ROLLBACK_PATIENCE)
        return self._progress.view

    @rollback.validator
    def _may_roll_back(self, order: Order) -> None:
        self._needs("roll back", Phase.RUNNING, Phase.WAITING, Phase.HELD, Phase.PAUSED)

    async def _carry_out(self) -> None:
        await self._go_on()
        while not self._progress.view.phase.is_over:
            await self._show()
            if workflow.info().is_continue_as_new_suggested():
                await workflow.wait_condition(workflow.all_handlers_finished)
                if not self._is_told:
                    workflow.continue_as_new(replace(self._start, so_far=self._progress.view))
            await self._turn()

    async def _turn(self) -> None:
        """Wait until it is time to ask the gates, or until there is an order or news; then do what follows."""
        is_time = await self._until_told()
        if self._rollback is not None:
            await self._take_back(self._rollback, expected=None)
        elif is_time or self._resumed:
            if self._resumed:
                await self._take_over()
            await self._ask_gates()
        if not self._progress.view.phase.is_over:
            await self._go_on()

    @property
    def _is_told(self) -> bool:
        return self._rollback is not None or self._advance is not None or self._resumed

    async def _until_told(self) -> bool:
        """Whether the time for the gates has come."""
        try:
            await workflow.wait_condition(
                lambda: self._is_told or self._progress.has_news,
                timeout=self._progress.next_check_in(workflow.now()),
                timeout_summary="the gates are asked",
            )
        except TimeoutError:
            return True
        return False

    async def _go_on(self) -> None:
        """Enter the following step if nothing speaks against it."""
        progress = self._progress
        order, self._advance = self._advance, None
        if not progress.is_free or not (order or self._may_leave()):
            return
        step = progress.following
        if step is None:
            progress.finish(workflow.now(), f"{format_share(progress.view.share_bp)} has been watched to the end")
        elif step.needs_approval and order is None:
            progress.wait_for_approval(workflow.now())
        else:
            await self._enter(step.share_bp, order)

    def _may_leave(self) -> bool:
        """Whether the current step is over: it has lasted, and its gates passed just now."""
        progress = self._progress
        if progress.current is None:
            return True
        verdict = progress.view.verdict
        is_passed = verdict is not None and verdict.outcome == PASS and progress.is_due(verdict.at)
        return is_passed and progress.is_due(workflow.now())

    async def _enter(self, share_bp: int, order: Order | None) -> None:
        progress = self._progress
        why = f"{progress.view.why} (the plan's next step)" if order is None else order.why
        moved = await self._move(share_bp, None if self._takes_over else progress.view.revision, why, order)
        if moved is None:
            return
        self._takes_over = False
        progress.enter(workflow.now(), moved.revision, order.by if order else self._me)
        step = progress.current
        if step is not None and not step.lasts_s and progress.following is None:
            progress.finish(workflow.now(), f"{format_share(share_bp)} of the users have the new side")

    async def _ask_gates(self) -> None:
        progress = self._progress
        if progress.current is None:
            return
        question = Look(progress.view.route, progress.view.revision, progress.began_at, progress.view.check_every_s)
        try:
            seen = await workflow.execute_activity_method(
                RolloutActivities.ask_gates,
                question,
                start_to_close_timeout=ATTEMPT_LIMIT,
                schedule_to_close_timeout=LOOK_PATIENCE,
                retry_policy=PATIENTLY,
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            progress.judge(VerdictNote("HOLD", f"the gates could not be asked: {_cause(error)}", workflow.now()))
            return
        progress.judge(replace(seen.verdict, at=workflow.now()))
        if progress.view.phase is Phase.PAUSED or self._takes_over:
            return  # resumed while the gates were asked: what they saw is what is going to be written over
        if seen.meddled:
            progress.pause(workflow.now(), seen.changed)
        elif progress.has_failed:
            await self._take_back(Order(self._me, self._failure()), expected=seen.revision)
        elif seen.revision != progress.view.revision:
            progress.adopt(workflow.now(), seen.revision, seen.changed)

    def _failure(self) -> str:
        view = self._progress.view
        often = f"{view.failures} gates in a row failed" if view.failures > 1 else "its gate failed"
        return f"{often} at {format_share(view.share_bp)}: {view.verdict.because if view.verdict else ''}"

    async def _take_over(self) -> None:
        """After a pause that an operator ended: what the plan says holds again."""
        self._resumed = False
        step = self._progress.current
        if self._takes_over and step is not None:
            moved = await self._move(step.share_bp, None, "the rollout was resumed", None)
            if moved is not None:
                self._takes_over = False
                self._progress.adopt(workflow.now(), moved.revision, "")

    async def _take_back(self, order: Order, *, expected: int | None) -> None:
        self._rollback = None
        moved = await self._move(0, expected, order.why, order)
        if moved is not None:
            self._progress.roll_back(workflow.now(), moved.revision, order)

    async def _move(self, share_bp: int, expected: int | None, why: str, order: Order | None) -> Moved | None:
        """Write a share; None, and the rollout is paused, when somebody else or a rule is in the way."""
        view = self._progress.view
        wish = MoveShare(
            route=view.route,
            share_bp=share_bp,
            expected=expected,
            why=why[:500],
            on_behalf_of=order.by if order else view.by,
            evidence=_evidence(view),
        )
        try:
            moved = await workflow.execute_activity_method(
                RolloutActivities.move_share, wish, start_to_close_timeout=ATTEMPT_LIMIT, retry_policy=STUBBORNLY
            )
        except ActivityError as error:
            if is_cancelled_exception(error) or not _is_refusal(error):
                raise
            self._progress.pause(workflow.now(), f"{format_share(share_bp)} cannot be written: {_cause(error)}")
            return None
        if moved.conflict:
            self._progress.pause(workflow.now(), moved.conflict)
            return None
        return moved

    async def _cancelled(self) -> None:
        order = Order("temporal", "the workflow was cancelled")
        await self._take_back(order, expected=None)
        await self._show()

    async def _show(self) -> None:
        """Tell operators the news. What cannot be shown now is shown with the next news."""
        progress = self._progress
        if not progress.has_news:
            return
        progress.has_news = False
        workflow.set_current_details(f"**{progress.view.route}** {progress.view.phase}: {progress.view.because}")
        try:
            await workflow.execute_local_activity_method(
                RolloutActivities.show, progress.view, start_to_close_timeout=SHOW_LIMIT, retry_policy=ONCE
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise

    def _needs(self, what: str, *phases: Phase) -> None:
        phase = self._progress.view.phase
        if phase not in phases:
            possible = ", ".join(wanted.lower() for wanted in phases)
            raise ApplicationError(
                f"cannot {what} the rollout of {self._progress.view.route!r}: it is {phase.lower().replace('_', ' ')}, "
                f"and it would have to be {possible}",
                type=NOT_NOW,
            )


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Awaits the work, also through further cancellations."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    task.result()


def _evidence(view: View) -> dict[str, Any]:
    """What the decision was based on, for the history of the route."""
    if view.verdict is None:
        return {}
    found = asdict(view.verdict)
    return {"verdict": {**found, "at": view.verdict.at.isoformat()}}


def _is_refusal(error: ActivityError) -> bool:
    return isinstance(error.cause, ApplicationError) and error.cause.type == REFUSED


def _cause(error: ActivityError) -> str:
    cause = error.cause
    while isinstance(cause, FailureError) and cause.cause is not None and not isinstance(cause, ApplicationError):
        cause = cause.cause
    return cause.message if isinstance(cause, ApplicationError) else str(cause or error)
