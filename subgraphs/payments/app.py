"""The payments service: a customer sees their own payments; staff charge and refund."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, FastAPI, Response

from subgraphs.kit.app import create_app
from subgraphs.kit.call import CurrentCall, page
from subgraphs.kit.connection import Dropped
from subgraphs.kit.contract_types import Cursor, CustomerFilter, Ids, Limit, OrderIds, example_id
from subgraphs.kit.database import Database
from subgraphs.kit.idempotency import IdempotencyKey, run_idempotent, was_replayed
from subgraphs.kit.openapi import reads, writes
from subgraphs.kit.problem import NotFound
from subgraphs.kit.settings import Settings
from subgraphs.payments import rules, store
from subgraphs.payments.model import NewPayment, NewRefund, Payment, PaymentList, Refund

router = APIRouter(prefix="/api/payments", tags=["payments"])
PaymentId = Annotated[str, example_id("pay_00001")]


@router.get("", operation_id="listPayments", **reads(PaymentList))
async def list_payments(
    call: CurrentCall,
    ids: Ids,
    order_ids: OrderIds,
    customer_id: CustomerFilter = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Payments, newest first. With `ids`, exactly those, and nothing else applies."""
    owner = call.narrow(customer_id)
    async with call.database.reads() as connection:
        if ids is not None:
            return call.owned(page(await store.by_ids(connection, ids, owner=call.narrow(None))))
        items, next_cursor = await store.page(
            connection, customer_id=owner, order_ids=order_ids, limit=limit, cursor=cursor
        )
    return call.owned(page(items, next_cursor))


@router.get("/{payment_id}", operation_id="getPayment", **reads(Payment))
async def get_payment(call: CurrentCall, payment_id: PaymentId) -> Response:
    """A payment, when it belongs to the caller."""
    async with call.database.reads() as connection:
        payments = await store.by_ids(connection, (payment_id,), owner=call.narrow(None))
    if not payments:
        raise NotFound(f"There is no payment {payment_id}.")
    return call.owned(payments[0])


@router.post("", operation_id="chargePayment", **writes(Payment, status=201, refusals=(402, 409)))
async def charge_payment(call: CurrentCall, key: IdempotencyKey, new: NewPayment) -> Response:
    """Charges for an order. `pm_declined` is 402; `pm_timeout` charges and drops the connection, once."""
    response = await run_idempotent(call, key, partial(store.charge, new=new))
    if new.payment_method_id == rules.TIMES_OUT and not was_replayed(response):
        return Dropped()
    return response


@router.post("/refunds", operation_id="refundPayments", **writes(Refund))
async def refund_payments(call: CurrentCall, key: IdempotencyKey, new: NewRefund) -> Response:
    """Gives back what was taken for an order. Harmless when nothing was, and then final: it cannot be charged later."""
    return await run_idempotent(call, key, partial(store.refund, order_id=new.order_id))


def create(settings: Settings, database: Database) -> FastAPI:
    return create_app("payments", description=__doc__ or "", router=router, settings=settings, database=database)
