"""Cancelling by the customer at every point of an order's life, and what cannot be compensated."""

import asyncio

import pytest
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError, WorkflowUpdateStage
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from bff.commerce.fulfilment.messages import (
    CancelOrderRequest,
    Ending,
    FulfilmentStatus,
    OrderStep,
    OrderStepState,
    Outcome,
)
from bff.commerce.fulfilment.workflow import CANCEL_UPDATE_ID, NOT_CANCELLABLE, FulfilOrder
from bff.commerce.worker import create_worker
from matapalo.errors import UpstreamUnavailable
from tests.bff.commerce.fulfilment.conftest import activities
from tests.bff.commerce.fulfilment.harness import make_order, place, start
from tests.harness.eventually import eventually
from tests.harness.ledger import Ledger

pytestmark = pytest.mark.stack

Handle = WorkflowHandle[FulfilOrder, Ending]
REQUEST = CancelOrderRequest("changed my mind")


def down() -> Exception:
    return UpstreamUnavailable("connection reset")


async def cancel(handle: Handle):
    return await handle.execute_update(FulfilOrder.cancel, REQUEST, id=CANCEL_UPDATE_ID)


async def status_of(handle: Handle) -> FulfilmentStatus:
    return (await handle.query(FulfilOrder.progress)).fulfilment.status


async def test_while_it_waits_everything_is_compensated(worker: Client, ledger: Ledger):
    order = make_order()
    _, handle = await place(worker, order)

    assert (await cancel(handle)).status is FulfilmentStatus.CANCELLED

    assert await handle.result() is Ending.CANCELLED
    assert ledger.effects[order.order_id][4:] == ["refund", "release", "cancel"]
    assert ledger.reasons[order.order_id] == REQUEST.reason
    assert ledger.stock["prod_0001"] == 1_000


@pytest.mark.parametrize("step", ["create_order", "reserve_stock", "charge", "confirm_order"])
async def test_a_step_under_way_is_refused_when_it_arrives_late(worker: Client, ledger: Ledger, step: str):
    order = make_order()
    ledger.hold[step] = asyncio.Event()
    handle = await start(worker, order)
    await eventually(lambda: ledger.calls[step], message="the step is under way")

    assert (await cancel(handle)).status is FulfilmentStatus.CANCELLED
    ledger.hold[step].set()  # what was under way arrives after its compensation

    assert await handle.result() is Ending.CANCELLED
    receipt = await handle.get_update_handle_for(FulfilOrder.cancel, CANCEL_UPDATE_ID).result()
    assert receipt.order_id == order.order_id
    effects = ledger.effects[order.order_id]
    assert effects.count("charge") == effects.count("refund")
    assert effects.count("reserve") == effects.count("release")
    assert effects.count("create") == effects.count("cancel")


async def test_the_receipt_says_that_the_order_was_given_up(worker: Client, ledger: Ledger):
    order = make_order()
    ledger.hold["charge"] = asyncio.Event()
    placing = asyncio.create_task(place(worker, order))
    await eventually(lambda: ledger.calls["charge"], message="the charge is under way")
    await cancel(worker.get_workflow_handle_for(FulfilOrder.run, f"placeOrder:{order.order_id}"))
    receipt, _ = await placing
    ledger.hold["charge"].set()
    assert (receipt.outcome, receipt.reason) == (Outcome.FAILED, REQUEST.reason)


async def test_a_second_request_meanwhile_gets_the_same_result(worker: Client, ledger: Ledger):
    order = make_order()
    _, handle = await place(worker, order)
    ledger.hold["refund"] = asyncio.Event()
    first = asyncio.create_task(cancel(handle))
    await eventually(lambda: ledger.calls["refund"], message="the refund is under way")
    second = asyncio.create_task(handle.execute_update(FulfilOrder.cancel, CancelOrderRequest("again"), id="another"))
    await handle.cancel()  # and an operator, too
    ledger.hold["refund"].set()
    assert [cancellation.status for cancellation in (await first, await second)] == [FulfilmentStatus.CANCELLED] * 2
    assert ledger.effects[order.order_id][4:] == ["refund", "release", "cancel"]


async def test_after_the_shipment_it_is_refused_without_an_event(worker: Client, ledger: Ledger):
    order = make_order()
    ledger.hold["mark_shipped"] = asyncio.Event()
    _, handle = await place(worker, order)
    await handle.signal(FulfilOrder.warehouse_confirmed)
    await eventually(lambda: ledger.calls["mark_shipped"], message="the order is being marked")

    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await cancel(handle)
    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == NOT_CANCELLABLE

    ledger.hold["mark_shipped"].set()
    assert await handle.result() is Ending.SHIPPED
    assert "refund" not in ledger.effects[order.order_id]
    assert "UPDATE" not in "".join(str(event.event_type) for event in (await handle.fetch_history()).events)


async def test_a_confirmation_after_the_cancellation_changes_nothing(worker: Client, ledger: Ledger):
    order = make_order()
    _, handle = await place(worker, order)
    ledger.hold["refund"] = asyncio.Event()
    cancelling = asyncio.create_task(cancel(handle))
    await eventually(lambda: ledger.calls["refund"], message="it is being compensated")
    await handle.signal(FulfilOrder.warehouse_confirmed)
    ledger.hold["refund"].set()
    await cancelling
    assert await handle.result() is Ending.CANCELLED
    assert "shipment" not in ledger.effects[order.order_id]


async def test_a_cancellation_goes_on_without_a_cached_workflow(client: Client, ledger: Ledger):
    order = make_order()
    async with create_worker(client, activities(ledger), max_cached_workflows=0):
        _, handle = await place(client, order)
        assert (await cancel(handle)).status is FulfilmentStatus.CANCELLED
        assert await handle.result() is Ending.CANCELLED
    assert ledger.effects[order.order_id][4:] == ["refund", "release", "cancel"]


async def test_a_failing_compensation_needs_attention_and_succeeds(
    skipping_worker: WorkflowEnvironment, ledger: Ledger
):
    order = make_order()
    ledger.always["refund"] = down
    handle = await start(skipping_worker.client, order)
    await eventually(lambda: ledger.status.get(order.order_id) == "CONFIRMED", message="it is placed")
    update = await handle.start_update(
        FulfilOrder.cancel, REQUEST, id=CANCEL_UPDATE_ID, wait_for_stage=WorkflowUpdateStage.ACCEPTED
    )

    async def needs_attention() -> bool:
        await skipping_worker.sleep(60)
        return await status_of(handle) is FulfilmentStatus.NEEDS_ATTENTION

    await eventually(needs_attention, deadline_s=30, message="the refund is given up for the moment")
    assert (await update.result()).status is FulfilmentStatus.NEEDS_ATTENTION
    assert (await handle.describe()).search_attributes["OrderStatus"] == ["NEEDS_ATTENTION"]
    assert ledger.effects[order.order_id][4:] == ["release", "cancel"]  # the others are compensated all the same
    await eventually(lambda: ledger.published_status is FulfilmentStatus.NEEDS_ATTENTION, message="it is published")

    del ledger.always["refund"]
    assert await handle.result() is Ending.CANCELLED
    assert ledger.effects[order.order_id][4:] == ["release", "cancel", "refund"]
    assert ledger.events[-1].step is OrderStep.FINISH
    assert [e.step for e in ledger.events if e.state is OrderStepState.COMPENSATED] == ["RESERVE", "CREATE", "CHARGE"]


async def test_after_47_hours_it_waits_after_48_it_is_compensated(skipping_worker: WorkflowEnvironment, ledger: Ledger):
    order = make_order()
    handle = await start(skipping_worker.client, order)
    await eventually(lambda: ledger.status.get(order.order_id) == "CONFIRMED", message="it is placed")
    await skipping_worker.sleep(47 * 3600)
    assert await status_of(handle) is FulfilmentStatus.AWAITING_WAREHOUSE
    await skipping_worker.sleep(2 * 3600)
    assert await handle.result() is Ending.WAREHOUSE_TIMED_OUT
    assert ledger.effects[order.order_id][4:] == ["refund", "release", "cancel"]
