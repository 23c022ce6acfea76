"""The order workflow on a real server, with services in memory."""

import asyncio

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import CancelledError
from temporalio.testing import WorkflowEnvironment

from bff.commerce.fulfilment.messages import Ending, FulfilmentStatus, OrderStep, OrderStepState, Outcome
from bff.commerce.fulfilment.workflow import FulfilOrder
from bff.commerce.worker import create_worker
from matapalo.errors import Problem, UpstreamRejected, UpstreamUnavailable
from tests.bff.commerce.fulfilment.conftest import activities
from tests.bff.commerce.fulfilment.harness import make_order, place, start
from tests.harness.eventually import eventually
from tests.harness.ledger import Ledger

pytestmark = pytest.mark.stack


def down() -> Exception:
    return UpstreamUnavailable("connection reset")


def refused() -> Exception:
    return UpstreamRejected("no", problem=Problem(status=409, slug="invalid-transition", title="no"))


def no_mailbox() -> Exception:
    return OSError("no such mailbox")


async def test_an_order_is_placed_packed_and_shipped(worker: Client, ledger: Ledger):
    order = make_order()

    receipt, handle = await place(worker, order)

    assert receipt.outcome is Outcome.PLACED
    assert (receipt.order_id, receipt.claim) == (order.order_id, order.claim)
    assert ledger.status[order.order_id] == "CONFIRMED"
    assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING

    await handle.signal(FulfilOrder.warehouse_confirmed)
    assert await handle.result() is Ending.SHIPPED
    assert ledger.effects[order.order_id] == ["create", "reserve", "charge", "confirm", "shipment", "ship"]
    (email,) = ledger.emails.values()
    assert email.to == "cust_0001@example.org"
    assert "TRACK-1" in email.text


async def test_the_key_of_a_write_is_the_workflow_id_and_the_step(worker: Client, ledger: Ledger):
    order = make_order()
    receipt, _ = await place(worker, order)
    assert ledger.keys["charge"] == {f"{receipt.workflow_id}:charge_customer"}
    assert ledger.keys["create_order"] == {f"{receipt.workflow_id}:create_order"}


async def test_the_same_update_gets_the_same_receipt_after_the_end(worker: Client, ledger: Ledger):
    order = make_order()
    receipt, handle = await place(worker, order)
    await handle.signal(FulfilOrder.warehouse_confirmed)
    await handle.result()
    again = await handle.get_update_handle_for(FulfilOrder.place, "place").result()
    assert again == receipt
    assert ledger.calls["charge"] == 1


async def test_out_of_stock_says_what_is_short_and_is_compensated(worker: Client, ledger: Ledger):
    order = make_order(product="prod_0500")

    receipt, handle = await place(worker, order)

    assert receipt.outcome is Outcome.OUT_OF_STOCK
    assert [(short.product_id, short.requested, short.available) for short in receipt.shortages] == [
        ("prod_0500", 2, 0)
    ]
    assert await handle.result() is Ending.REFUSED
    assert ledger.effects[order.order_id] == ["create", "cancel"]
    assert ledger.reasons[order.order_id] == "out of stock"
    assert ledger.calls["charge"] == 0


async def test_a_declined_card_is_charged_once_and_is_compensated(worker: Client, ledger: Ledger):
    order = make_order(payment_method_id="pm_declined")

    receipt, handle = await place(worker, order)

    assert receipt.outcome is Outcome.PAYMENT_DECLINED
    assert receipt.reason == "the card was declined"
    assert await handle.result() is Ending.REFUSED
    assert ledger.effects[order.order_id] == ["create", "reserve", "release", "cancel"]
    assert ledger.calls["charge"] == 1
    assert ledger.stock["prod_0001"] == 1_000


async def test_an_unknown_product_is_refused_by_field(worker: Client, ledger: Ledger):
    receipt, handle = await place(worker, make_order(product="prod_none"))
    assert receipt.outcome is Outcome.INVALID
    assert receipt.refusals[0].field == "items[0].product_id"
    assert await handle.result() is Ending.REFUSED


async def test_a_charge_whose_response_was_lost_happens_once(worker: Client, ledger: Ledger):
    order = make_order()
    ledger.after["charge"].append(down)
    receipt, _ = await place(worker, order)
    assert receipt.outcome is Outcome.PLACED
    assert ledger.calls["charge"] == 2
    assert ledger.effects[order.order_id].count("charge") == 1


async def test_a_failing_step_becomes_remote_under_the_same_key(worker: Client, ledger: Ledger):
    order = make_order()
    ledger.before["charge"].extend([down, down, down])
    receipt, handle = await place(worker, order)
    assert receipt.outcome is Outcome.PLACED
    assert len(ledger.keys["charge"]) == 1
    scheduled = [
        event.activity_task_scheduled_event_attributes.activity_type.name
        async for event in handle.fetch_history_events()
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    assert scheduled == ["charge_customer"]


async def test_a_rejected_step_is_not_retried_and_is_compensated(worker: Client, ledger: Ledger):
    order = make_order()
    ledger.always["confirm_order"] = refused
    receipt, handle = await place(worker, order)
    assert receipt.outcome is Outcome.FAILED
    assert await handle.result() is Ending.FAILED
    assert ledger.calls["confirm_order"] == 1
    assert ledger.effects[order.order_id] == ["create", "reserve", "charge", "refund", "release", "cancel"]


async def test_cancelling_while_waiting_compensates_everything(worker: Client, ledger: Ledger):
    order = make_order()
    _, handle = await place(worker, order)

    await handle.cancel()

    with pytest.raises(WorkflowFailureError) as failure:
        await handle.result()
    assert isinstance(failure.value.cause, CancelledError)
    assert ledger.effects[order.order_id][4:] == ["refund", "release", "cancel"]


async def test_cancelling_during_a_charge_compensates_its_late_effect(worker: Client, ledger: Ledger):
    order = make_order()
    ledger.hold["charge"] = asyncio.Event()
    handle = await start(worker, order)
    await eventually(lambda: ledger.calls["charge"], message="the charge is under way")

    await handle.cancel()

    with pytest.raises(WorkflowFailureError):
        await handle.result()
    ledger.hold["charge"].set()  # the charge that was under way arrives after its refund
    assert ledger.effects[order.order_id] == ["create", "reserve", "release", "cancel"]


async def test_cancelling_during_a_compensation_changes_nothing(worker: Client, ledger: Ledger):
    order = make_order(payment_method_id="pm_declined")
    ledger.hold["refund"] = asyncio.Event()
    _, handle = await place(worker, order)
    await eventually(lambda: ledger.calls["refund"], message="the refund is under way")

    await handle.cancel()
    ledger.hold["refund"].set()

    assert await handle.result() is Ending.REFUSED
    assert ledger.effects[order.order_id] == ["create", "reserve", "release", "cancel"]


async def test_cancelling_after_the_shipment_changes_nothing(worker: Client, ledger: Ledger):
    order = make_order()
    ledger.hold["mark_shipped"] = asyncio.Event()
    _, handle = await place(worker, order)
    await handle.signal(FulfilOrder.warehouse_confirmed)
    await eventually(lambda: ledger.calls["mark_shipped"], message="the order is being marked")

    await handle.cancel()
    ledger.hold["mark_shipped"].set()

    assert await handle.result() is Ending.SHIPPED
    assert "refund" not in ledger.effects[order.order_id]


async def test_an_email_that_cannot_be_sent_compensates_nothing(skipping_worker: WorkflowEnvironment, ledger: Ledger):
    order = make_order()
    ledger.always["send"] = no_mailbox
    handle = await start(skipping_worker.client, order, signal="warehouse_confirmed")
    assert await handle.result() is Ending.SHIPPED
    assert ledger.calls["send"] > 1
    assert ledger.status[order.order_id] == "SHIPPED"
    assert ledger.events[-1].step is OrderStep.FINISH


async def test_48_hours_without_the_warehouse_are_compensated(skipping_worker: WorkflowEnvironment, ledger: Ledger):
    order = make_order()
    handle = await start(skipping_worker.client, order)
    begun = await skipping_worker.get_current_time()

    assert await handle.result() is Ending.WAREHOUSE_TIMED_OUT

    waited = await skipping_worker.get_current_time() - begun
    assert 47 < waited.total_seconds() / 3600 < 49
    assert ledger.effects[order.order_id][4:] == ["refund", "release", "cancel"]


async def test_a_long_failing_refund_stops_no_release_and_succeeds(
    skipping_worker: WorkflowEnvironment, ledger: Ledger
):
    order = make_order()
    ledger.before["refund"].extend([down] * 30)
    handle = await start(skipping_worker.client, order)

    assert await handle.result() is Ending.WAREHOUSE_TIMED_OUT

    assert ledger.effects[order.order_id][4:] == ["release", "cancel", "refund"]


async def test_services_away_for_minutes_end_in_a_compensated_order(
    skipping_worker: WorkflowEnvironment, ledger: Ledger
):
    order = make_order()
    ledger.always["charge"] = down
    handle = await start(skipping_worker.client, order)
    assert await handle.result() is Ending.FAILED
    assert ledger.effects[order.order_id] == ["create", "reserve", "release", "cancel"]
    assert ledger.calls["refund"] == 1


async def test_a_charge_without_a_response_is_refunded_once(skipping_worker: WorkflowEnvironment, ledger: Ledger):
    order = make_order()
    ledger.after["charge"].extend([down] * 1_000)
    handle = await start(skipping_worker.client, order)
    assert await handle.result() is Ending.FAILED
    assert ledger.effects[order.order_id] == ["create", "reserve", "charge", "refund", "release", "cancel"]


async def test_an_early_and_a_repeated_signal_are_fine(worker: Client, ledger: Ledger):
    order = make_order()
    handle = await start(worker, order, signal="warehouse_confirmed")
    assert await handle.result() is Ending.SHIPPED
    assert ledger.effects[order.order_id].count("shipment") == 1


async def test_progress_is_published_in_order_without_gaps_and_ends(worker: Client, ledger: Ledger):
    order = make_order()
    ledger.before["publish"].extend([down, down, down])
    _, handle = await place(worker, order)
    await handle.signal(FulfilOrder.warehouse_confirmed)
    await handle.result()
    assert [event.number for event in ledger.events] == list(range(1, len(ledger.events) + 1))
    done = [event.step for event in ledger.events if event.state is OrderStepState.DONE]
    assert done == list(OrderStep)


async def test_an_order_goes_on_without_a_cached_workflow(client: Client, ledger: Ledger):
    # Every workflow task replays the whole history, as after a crash.
    order = make_order()
    ledger.before["charge"].extend([down, down])
    async with create_worker(client, activities(ledger), max_cached_workflows=0):
        receipt, handle = await place(client, order)
        await handle.signal(FulfilOrder.warehouse_confirmed)
        assert await handle.result() is Ending.SHIPPED
    assert receipt.outcome is Outcome.PLACED
    assert ledger.effects[order.order_id] == ["create", "reserve", "charge", "confirm", "shipment", "ship"]


async def test_compensations_go_on_without_a_cached_workflow(
    client: Client, ledger: Ledger, caplog: pytest.LogCaptureFixture
):
    order = make_order()
    async with create_worker(client, activities(ledger), max_cached_workflows=0):
        _, handle = await place(client, order)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
    assert ledger.effects[order.order_id][4:] == ["refund", "release", "cancel"]
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_query_returns_the_state_of_an_order(worker: Client, ledger: Ledger):
    order = make_order()
    _, handle = await place(worker, order)
    progress = await handle.query(FulfilOrder.progress)
    fulfilment = progress.fulfilment
    assert [event.number for event in progress.events] == list(range(1, len(progress.events) + 1))
    assert fulfilment.status is FulfilmentStatus.AWAITING_WAREHOUSE
    assert [step.name for step in fulfilment.steps][-1] is OrderStep.WAREHOUSE
    description = await handle.describe()
    assert description.search_attributes["OrderStatus"] == ["AWAITING_WAREHOUSE"]
