"""Every recorded history replays with the workflow of today; a workflow that was changed carelessly does not.

When one fails, old orders would hang: put the change behind `workflow.patched("…")`.
"""

from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from bff.commerce.fulfilment.messages import Ending, PlaceOrderRequest
from bff.commerce.fulfilment.workflow import FulfilOrder
from bff.commerce.onboarding.workflow import OnboardCustomer

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))
SHIPPED = Path(__file__).parent / "histories" / "shipped.json"


@workflow.defn(name="FulfilOrder")
class ChangedCarelessly(FulfilOrder):
    """Waits a second before it does anything."""

    @workflow.init
    def __init__(self, request: PlaceOrderRequest) -> None:
        super().__init__(request)

    @workflow.run
    async def run(self, request: PlaceOrderRequest) -> Ending:
        await workflow.sleep(1)
        return await super().run(request)


@workflow.defn(name="FulfilOrder")
class ChangedCarefully(ChangedCarelessly):
    """The same for new orders only."""

    @workflow.init
    def __init__(self, request: PlaceOrderRequest) -> None:
        super().__init__(request)

    @workflow.run
    async def run(self, request: PlaceOrderRequest) -> Ending:
        if workflow.patched("wait-a-second"):
            await workflow.sleep(1)
        return await FulfilOrder.run(self, request)


def recorded(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json("placeOrder:recorded", path.read_text())


def test_histories_are_there():
    assert {path.stem for path in HISTORIES} >= {
        *("shipped", "out_of_stock", "declined", "cancelled", "cancelled_by_the_customer", "slow_payments"),
        *("warehouse_timed_out", "needed_attention"),
        *("onboarded", "already_a_customer", "registration_expired"),
    }


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_what_was_recorded_replays(path: Path):
    await Replayer(workflows=[FulfilOrder, OnboardCustomer]).replay_workflow(recorded(path))


async def test_a_careless_change_is_found():
    replayer = Replayer(workflows=[ChangedCarelessly], workflow_runner=UnsandboxedWorkflowRunner())
    with pytest.raises(NondeterminismError):
        await replayer.replay_workflow(recorded(SHIPPED))


async def test_a_patched_change_replays():
    replayer = Replayer(workflows=[ChangedCarefully], workflow_runner=UnsandboxedWorkflowRunner())
    await replayer.replay_workflow(recorded(SHIPPED))
