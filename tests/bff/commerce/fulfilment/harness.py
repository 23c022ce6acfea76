"""Orders to place in tests, and the one way to place them."""

import itertools
import os
from datetime import timedelta

from temporalio.client import Client, WithStartWorkflowOperation, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy

from bff.commerce.fulfilment.messages import Ending, Line, PlaceOrderRequest, Receipt
from bff.commerce.fulfilment.workflow import PLACE_UPDATE_ID, TASK_QUEUE, FulfilOrder
from matapalo.idempotency.claim import Claim

_numbers = itertools.count(1)


def make_order(*, product: str = "prod_0001", payment_method_id: str | None = None) -> PlaceOrderRequest:
    record_id = f"{os.getpid():08x}{next(_numbers):08x}".ljust(64, "0")
    return PlaceOrderRequest(
        claim=Claim("placeOrder", record_id, fingerprint="of the input", attempt_id="request-1"),
        customer_id="cust_0001",
        lines=(Line(product, 2),),
        payment_method_id=payment_method_id,
    )


async def place(client: Client, order: PlaceOrderRequest) -> tuple[Receipt, WorkflowHandle[FulfilOrder, Ending]]:
    workflow_id = f"placeOrder:{order.order_id}"
    operation = WithStartWorkflowOperation(
        FulfilOrder.run,
        order,
        id=workflow_id,
        task_queue=TASK_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    receipt = await client.execute_update_with_start_workflow(
        FulfilOrder.place,
        start_workflow_operation=operation,
        id=PLACE_UPDATE_ID,
        rpc_timeout=timedelta(seconds=20),
    )
    return receipt, client.get_workflow_handle_for(FulfilOrder.run, workflow_id)


async def start(
    client: Client, order: PlaceOrderRequest, *, signal: str | None = None
) -> WorkflowHandle[FulfilOrder, Ending]:
    """Start without waiting for the receipt: on the time-skipping server only such a handle's `result` skips time."""
    return await client.start_workflow(
        FulfilOrder.run, order, id=f"placeOrder:{order.order_id}", task_queue=TASK_QUEUE, start_signal=signal
    )
