"""Whole rollouts with their real durations, on a Temporal whose clock skips the waiting."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateStage

from matapalo.strangler.rollout.messages import CheckGates, OperatorCommand, RolloutPhase, RolloutState
from matapalo.strangler.rollout.workflow import RolloutWorkflow
from tests.matapalo.strangler.rollout.conftest import Handle, RolloutHarness

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

THREE_WEEKS = "5% for 2 days, 10% for 4 days, 25% for 7 days, 50% for 8 days, 100%"
ACCEPTED = WorkflowUpdateStage.ACCEPTED
OPERATOR = OperatorCommand("op_2", "as agreed")


async def end_of(handle: Handle) -> RolloutState:
    return await asyncio.wait_for(handle.result(), 30)


async def test_a_plan_of_21_days_enters_every_step_on_its_day(harness: RolloutHarness) -> None:
    async with harness.worker():
        handle = await harness.start(THREE_WEEKS)
        state = await end_of(handle)
    assert state.phase is RolloutPhase.DONE
    described = await harness.environment.client.get_workflow_handle(handle.id).describe()
    assert described.run_id != handle.first_execution_run_id, "a long history goes on as a new one"
    assert [share for share, _ in harness.table.written] == [500, 1_000, 2_500, 5_000, 10_000]
    days = [(entered.at - state.started_at) / timedelta(days=1) for entered in state.entered]
    assert days == pytest.approx([0, 2, 6, 13, 21], abs=0.01)
    assert harness.table.checks >= 21 * 24 - 5
    assert harness.snapshots.saved[-1] == state


async def test_gates_that_fail_three_times_in_a_row_roll_it_back(harness: RolloutHarness) -> None:
    harness.table.outcome_at = lambda share_bp: "FAIL" if share_bp == 2_500 else "PASS"
    async with harness.worker():
        state = await end_of(await harness.start(THREE_WEEKS))
    assert state.phase is RolloutPhase.ROLLED_BACK
    assert harness.table.share_bp == 0
    assert state.because == "rolled back by rollout:orders: 3 gates in a row failed at 25 %: errors are FAIL"
    assert state.finished_at is not None
    assert state.finished_at - state.entered[2].at == pytest.approx(timedelta(hours=3), abs=timedelta(minutes=1))


async def test_a_critical_failure_does_not_wait_for_a_second_check(harness: RolloutHarness) -> None:
    harness.table.outcome_at, harness.table.critical = lambda share_bp: "FAIL", True
    async with harness.worker():
        state = await end_of(await harness.start(THREE_WEEKS))
    assert (state.phase, state.failures, harness.table.checks) == (RolloutPhase.ROLLED_BACK, 1, 1)


async def test_too_little_traffic_holds_a_step_for_as_long_as_it_takes(harness: RolloutHarness) -> None:
    harness.table.outcome_at = lambda share_bp: "HOLD" if harness.table.checks < 100 else "PASS"
    async with harness.worker():
        state = await end_of(await harness.start("5% for 1 day, 100%"))
    assert state.phase is RolloutPhase.DONE
    assert state.entered[1].at - state.entered[0].at > timedelta(hours=98)


async def test_held_it_stays_past_its_day_until_it_is_resumed(harness: RolloutHarness) -> None:
    phases: list[str] = []

    async def operator(_request: CheckGates) -> None:
        if harness.table.checks == 2:
            phases.append((await harness.handle.execute_update(RolloutWorkflow.hold, OPERATOR)).phase)
        if harness.table.checks == 200:
            phases.append((await harness.handle.execute_update(RolloutWorkflow.resume, OPERATOR)).phase)

    harness.table.on_check = operator
    async with harness.worker():
        state = await end_of(await harness.start("5% for 1 day, 100%"))
    assert phases == [RolloutPhase.HELD, RolloutPhase.RUNNING]
    assert state.phase is RolloutPhase.DONE
    assert state.entered[1].at - state.entered[0].at > timedelta(hours=198)


async def test_held_it_is_still_rolled_back_by_its_gates(harness: RolloutHarness) -> None:
    async def operator(_request: CheckGates) -> None:
        if harness.table.checks == 2:
            await harness.handle.execute_update(RolloutWorkflow.hold, OPERATOR)

    harness.table.on_check = operator
    harness.table.outcome_at = lambda share_bp: "PASS" if harness.table.checks < 5 else "FAIL"
    async with harness.worker():
        state = await end_of(await harness.start("5% for 1 day, 100%"))
    assert (state.phase, harness.table.share_bp) == (RolloutPhase.ROLLED_BACK, 0)


async def test_an_external_change_pauses_it_until_it_is_resumed(harness: RolloutHarness) -> None:
    states: list[RolloutState] = []

    async def change_externally(_request: CheckGates) -> None:
        if harness.table.checks == 3:
            harness.table.change_externally(4_000, by="op_9")
        if harness.table.checks == 100:  # four days later, and its gates fail meanwhile
            states.append(await harness.handle.query(RolloutWorkflow.state))
            await harness.handle.execute_update(RolloutWorkflow.resume, OPERATOR)

    harness.table.on_check = change_externally
    harness.table.outcome_at = lambda share_bp: "FAIL" if share_bp == 4_000 else "PASS"
    async with harness.worker():
        state = await end_of(await harness.start("5% for 1 day, 10% for 1 day, 100%"))
    (paused,) = states
    assert paused.phase is RolloutPhase.PAUSED
    assert paused.because == "op_9 changed share_bp to 4000 at version 3"
    assert state.phase is RolloutPhase.DONE
    assert [share for share, _ in harness.table.written] == [500, 500, 1_000, 10_000]


async def test_an_operator_rolls_it_back_after_an_external_change(harness: RolloutHarness) -> None:
    async def operator(_request: CheckGates) -> None:
        if harness.table.checks == 3:
            harness.table.change_externally(4_000)
        if harness.table.checks == 5:
            await harness.handle.start_update(RolloutWorkflow.rollback, OPERATOR, wait_for_stage=ACCEPTED)

    harness.table.on_check = operator
    async with harness.worker():
        state = await end_of(await harness.start("5% for 1 day, 100%"))
    assert state.phase is RolloutPhase.ROLLED_BACK
    assert state.because == "rolled back by op_2: as agreed"
    assert harness.table.written[-1] == (0, "op_2")


async def test_a_step_that_needs_approval_waits_for_it(harness: RolloutHarness) -> None:
    async def operator(_request: CheckGates) -> None:
        if harness.table.checks == 60:
            assert (await harness.handle.query(RolloutWorkflow.state)).phase is RolloutPhase.WAITING
            await harness.handle.execute_update(RolloutWorkflow.advance, OPERATOR)

    harness.table.on_check = operator
    async with harness.worker():
        state = await end_of(await harness.start("5% for 1 day, 100% after approval"))
    assert state.phase is RolloutPhase.DONE
    assert harness.table.written == [(500, "op_1"), (10_000, "op_2")]
    assert state.entered[1].at - state.entered[0].at > timedelta(hours=58)


async def test_advanced_it_skips_the_rest_of_a_step_that_holds(harness: RolloutHarness) -> None:
    async def operator(_request: CheckGates) -> None:
        if harness.table.checks == 2:
            await harness.handle.execute_update(RolloutWorkflow.advance, OPERATOR)

    harness.table.on_check = operator
    harness.table.outcome_at = lambda share_bp: "HOLD"
    async with harness.worker():
        state = await end_of(await harness.start("5% for 7 days, 100%"))
    assert state.phase is RolloutPhase.DONE
    assert state.entered[1].at - state.entered[0].at < timedelta(hours=4)


async def test_a_command_that_does_not_fit_the_phase_is_refused(harness: RolloutHarness) -> None:
    refusals: list[str] = []

    async def operator(_request: CheckGates) -> None:
        if harness.table.checks == 1:
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await harness.handle.execute_update(RolloutWorkflow.resume, OPERATOR)
            refusals.append(str(refused.value.cause))

    harness.table.on_check = operator
    async with harness.worker():
        await end_of(await harness.start("5% for 1 day, 100%"))
    assert refusals == [
        "NotNow: cannot resume the rollout of 'orders': it is running, and it would have to be held, paused"
    ]


async def test_a_share_that_the_rules_refuse_pauses_it_with_the_rule(harness: RolloutHarness) -> None:
    async def operator(_request: CheckGates) -> None:
        if harness.table.checks == 40:
            assert (
                await harness.handle.query(RolloutWorkflow.state)
            ).because == "10 % cannot be written: 1000 is refused"
            harness.table.refuses = frozenset()
            await harness.handle.execute_update(RolloutWorkflow.resume, OPERATOR)

    harness.table.refuses, harness.table.on_check = frozenset({1_000}), operator
    async with harness.worker():
        state = await end_of(await harness.start("5% for 1 day, 10% for 1 day, 100%"))
    assert state.phase is RolloutPhase.DONE
