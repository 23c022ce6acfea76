"""Whole rollouts with their real durations, on a Temporal whose clock skips the waiting."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateStage

from matapalo.strangler.rollout.messages import Look, Order, Phase, View
from matapalo.strangler.rollout.workflow import RollOut
from tests.matapalo.strangler.rollout.conftest import Handle, Scene

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

THREE_WEEKS = "5% for 2 days, 10% for 4 days, 25% for 7 days, 50% for 8 days, 100%"
ACCEPTED = WorkflowUpdateStage.ACCEPTED
OPERATOR = Order("op_2", "as agreed")


async def the_end_of(handle: Handle) -> View:
    return await asyncio.wait_for(handle.result(), 30)


async def test_a_plan_of_21_days_enters_every_step_on_its_day(scene: Scene) -> None:
    async with scene.worker():
        handle = await scene.start(THREE_WEEKS)
        view = await the_end_of(handle)
    assert view.phase is Phase.DONE
    described = await scene.environment.client.get_workflow_handle(handle.id).describe()
    assert described.run_id != handle.first_execution_run_id, "a long history goes on as a new one"
    assert [share for share, _ in scene.table.written] == [500, 1_000, 2_500, 5_000, 10_000]
    days = [(entered.at - view.started_at) / timedelta(days=1) for entered in view.entered]
    assert days == pytest.approx([0, 2, 6, 13, 21], abs=0.01)
    assert scene.table.looks >= 21 * 24 - 5
    assert scene.board.shown[-1] == view


async def test_gates_that_fail_three_times_in_a_row_take_it_back(scene: Scene) -> None:
    scene.table.says = lambda share_bp: "FAIL" if share_bp == 2_500 else "PASS"
    async with scene.worker():
        view = await the_end_of(await scene.start(THREE_WEEKS))
    assert view.phase is Phase.ROLLED_BACK
    assert scene.table.share_bp == 0
    assert view.because == "rolled back by rollout:orders: 3 gates in a row failed at 25 %: errors are FAIL"
    assert view.finished_at is not None
    assert view.finished_at - view.entered[2].at == pytest.approx(timedelta(hours=3), abs=timedelta(minutes=1))


async def test_a_critical_failure_does_not_wait_for_a_second_look(scene: Scene) -> None:
    scene.table.says, scene.table.critical = lambda share_bp: "FAIL", True
    async with scene.worker():
        view = await the_end_of(await scene.start(THREE_WEEKS))
    assert (view.phase, view.failures, scene.table.looks) == (Phase.ROLLED_BACK, 1, 1)


async def test_too_little_traffic_holds_a_step_for_as_long_as_it_takes(scene: Scene) -> None:
    scene.table.says = lambda share_bp: "HOLD" if scene.table.looks < 100 else "PASS"
    async with scene.worker():
        view = await the_end_of(await scene.start("5% for 1 day, 100%"))
    assert view.phase is Phase.DONE
    assert view.entered[1].at - view.entered[0].at > timedelta(hours=98)


async def test_held_it_stays_past_its_day_and_goes_on_when_it_is_resumed(scene: Scene) -> None:
    done: list[str] = []

    async def operator(question: Look) -> None:
        handle: Handle = scene.environment.client.get_workflow_handle_for(RollOut.run, f"rollout:{id(scene)}")
        if scene.table.looks == 2:
            done.append((await handle.execute_update(RollOut.hold, OPERATOR)).phase)
        if scene.table.looks == 200:
            done.append((await handle.execute_update(RollOut.resume, OPERATOR)).phase)

    scene.table.when_asked = operator
    async with scene.worker():
        view = await the_end_of(await scene.start("5% for 1 day, 100%"))
    assert done == [Phase.HELD, Phase.RUNNING]
    assert view.phase is Phase.DONE
    assert view.entered[1].at - view.entered[0].at > timedelta(hours=198)


async def test_held_it_is_still_taken_back_by_its_gates(scene: Scene) -> None:
    async def operator(question: Look) -> None:
        if scene.table.looks == 2:
            handle = scene.environment.client.get_workflow_handle_for(RollOut.run, f"rollout:{id(scene)}")
            await handle.execute_update(RollOut.hold, OPERATOR)

    scene.table.when_asked = operator
    scene.table.says = lambda share_bp: "PASS" if scene.table.looks < 5 else "FAIL"
    async with scene.worker():
        view = await the_end_of(await scene.start("5% for 1 day, 100%"))
    assert (view.phase, scene.table.share_bp) == (Phase.ROLLED_BACK, 0)


async def test_a_change_by_hand_pauses_it_and_it_keeps_its_hands_off(scene: Scene) -> None:
    seen: list[View] = []

    async def colleague(question: Look) -> None:
        handle = scene.environment.client.get_workflow_handle_for(RollOut.run, f"rollout:{id(scene)}")
        if scene.table.looks == 3:
            scene.table.meddle(4_000, by="op_9")
        if scene.table.looks == 100:  # four days later, and its gates fail meanwhile
            seen.append(await handle.query(RollOut.view))
            await handle.execute_update(RollOut.resume, OPERATOR)

    scene.table.when_asked = colleague
    scene.table.says = lambda share_bp: "FAIL" if share_bp == 4_000 else "PASS"
    async with scene.worker():
        view = await the_end_of(await scene.start("5% for 1 day, 10% for 1 day, 100%"))
    (paused,) = seen
    assert paused.phase is Phase.PAUSED
    assert paused.because == "op_9 changed share_bp to 4000 at version 3"
    assert view.phase is Phase.DONE
    assert [share for share, _ in scene.table.written] == [500, 500, 1_000, 10_000]


async def test_an_operator_takes_it_back_also_after_a_change_by_hand(scene: Scene) -> None:
    async def operator(question: Look) -> None:
        if scene.table.looks == 3:
            scene.table.meddle(4_000)
        if scene.table.looks == 5:
            handle = scene.environment.client.get_workflow_handle_for(RollOut.run, f"rollout:{id(scene)}")
            await handle.start_update(RollOut.rollback, OPERATOR, wait_for_stage=ACCEPTED)

    scene.table.when_asked = operator
    async with scene.worker():
        view = await the_end_of(await scene.start("5% for 1 day, 100%"))
    assert view.phase is Phase.ROLLED_BACK
    assert view.because == "rolled back by op_2: as agreed"
    assert scene.table.written[-1] == (0, "op_2")


async def test_a_step_that_needs_approval_waits_for_it(scene: Scene) -> None:
    async def operator(question: Look) -> None:
        if scene.table.looks == 60:
            handle = scene.environment.client.get_workflow_handle_for(RollOut.run, f"rollout:{id(scene)}")
            assert (await handle.query(RollOut.view)).phase is Phase.WAITING
            await handle.execute_update(RollOut.advance, OPERATOR)

    scene.table.when_asked = operator
    async with scene.worker():
        view = await the_end_of(await scene.start("5% for 1 day, 100% after approval"))
    assert view.phase is Phase.DONE
    assert scene.table.written == [(500, "op_1"), (10_000, "op_2")]
    assert view.entered[1].at - view.entered[0].at > timedelta(hours=58)


async def test_advanced_it_skips_the_rest_of_a_step_that_holds(scene: Scene) -> None:
    async def operator(question: Look) -> None:
        if scene.table.looks == 2:
            handle = scene.environment.client.get_workflow_handle_for(RollOut.run, f"rollout:{id(scene)}")
            await handle.execute_update(RollOut.advance, OPERATOR)

    scene.table.when_asked = operator
    scene.table.says = lambda share_bp: "HOLD"
    async with scene.worker():
        view = await the_end_of(await scene.start("5% for 7 days, 100%"))
    assert view.phase is Phase.DONE
    assert view.entered[1].at - view.entered[0].at < timedelta(hours=4)


async def test_an_order_that_does_not_fit_the_phase_is_refused_with_the_reason(scene: Scene) -> None:
    refusals: list[str] = []

    async def operator(question: Look) -> None:
        if scene.table.looks == 1:
            handle = scene.environment.client.get_workflow_handle_for(RollOut.run, f"rollout:{id(scene)}")
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await handle.execute_update(RollOut.resume, OPERATOR)
            refusals.append(str(refused.value.cause))

    scene.table.when_asked = operator
    async with scene.worker():
        await the_end_of(await scene.start("5% for 1 day, 100%"))
    assert refusals == [
        "NotNow: cannot resume the rollout of 'orders': it is running, and it would have to be held, paused"
    ]


async def test_a_share_that_the_rules_refuse_pauses_it_with_the_rule(scene: Scene) -> None:
    async def operator(question: Look) -> None:
        if scene.table.looks == 40:
            handle = scene.environment.client.get_workflow_handle_for(RollOut.run, f"rollout:{id(scene)}")
            assert (await handle.query(RollOut.view)).because == "10 % cannot be written: 1000 is refused"
            scene.table.refuses = frozenset()
            await handle.execute_update(RollOut.resume, OPERATOR)

    scene.table.refuses, scene.table.when_asked = frozenset({1_000}), operator
    async with scene.worker():
        view = await the_end_of(await scene.start("5% for 1 day, 10% for 1 day, 100%"))
    assert view.phase is Phase.DONE
