"""The orders service: reads for their owner, the order workflow's writes for staff."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Response

from subgraphs.kit.app import create_app
from subgraphs.kit.call import CurrentCall, page
from subgraphs.kit.contract_types import Cursor, CustomerFilter, CustomerIds, Ids, Limit, QueryId, example_id
from subgraphs.kit.database import Database
from subgraphs.kit.idempotency import IdempotencyKey, run_idempotent
from subgraphs.kit.openapi import reads, writes
from subgraphs.kit.problem import NotFound
from subgraphs.kit.settings import Settings
from subgraphs.orders import store
from subgraphs.orders.model import (
    Cancellation,
    Confirmation,
    Dispatch,
    NewOrder,
    Order,
    OrderList,
    OrdersByCustomer,
    OrderSummary,
    Status,
    Withdrawal,
)

router = APIRouter(prefix="/api/orders", tags=["orders"])
OrderId = Annotated[str, example_id("ord_00001")]
StatusFilter = Annotated[Status | None, Query(description="Only in this status.")]


@router.get("", operation_id="listOrders", **reads(OrderList))
async def list_orders(
    call: CurrentCall,
    ids: Ids,
    customer_id: CustomerFilter = None,
    status: StatusFilter = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Orders, newest first. With `ids`, exactly those, and nothing else applies."""
    owner = call.narrow(customer_id)
    async with call.database.reads() as connection:
        if ids is not None:
            return call.owned(page(await store.by_ids(connection, ids, owner=call.narrow(None))))
        items, next_cursor = await store.page(connection, customer_id=owner, status=status, limit=limit, cursor=cursor)
    return call.owned(page(items, next_cursor))


@router.get("/by-customer", operation_id="listOrdersByCustomer", **reads(OrdersByCustomer))
async def list_orders_by_customer(
    call: CurrentCall, customer_ids: CustomerIds, status: StatusFilter = None, limit: Limit = 20
) -> Response:
    """The newest `limit` orders of each of up to 200 customers, in one call."""
    visible = [customer_id for customer_id in customer_ids if call.caller.may_see(customer_id)]
    async with call.database.reads() as connection:
        entries = await store.newest_of_each(connection, visible, status=status, limit=limit)
    return call.owned({"items": entries})


@router.get("/summary", operation_id="getOrderSummary", **reads(OrderSummary))
async def get_order_summary(
    call: CurrentCall, customer_id: Annotated[QueryId, Query(description="Whose orders.")]
) -> Response:
    """A customer's orders in figures."""
    call.narrow(customer_id)
    async with call.database.reads() as connection:
        figures = await store.summary(connection, customer_id)
    if figures is None:
        raise NotFound(f"There is no customer {customer_id}.")
    return call.owned(figures)


@router.get("/{order_id}", operation_id="getOrder", **reads(Order))
async def get_order(call: CurrentCall, order_id: OrderId) -> Response:
    """A order, when it belongs to the caller."""
    async with call.database.reads() as connection:
        orders = await store.by_ids(connection, (order_id,), owner=call.narrow(None))
    if not orders:
        raise NotFound(f"There is no order {order_id}.")
    return call.owned(orders[0])


@router.post("", operation_id="createOrder", **writes(Order, status=201, refusals=(409,)))
async def create_order(call: CurrentCall, key: IdempotencyKey, new: NewOrder) -> Response:
    """Places an order at today's prices; PENDING until it is paid."""
    return await run_idempotent(call, key, partial(store.create, new=new))


@router.post("/{order_id}/confirm", operation_id="confirmOrder", **writes(Order, refusals=(404, 409)))
async def confirm_order(call: CurrentCall, key: IdempotencyKey, order_id: OrderId, paid: Confirmation) -> Response:
    """Moves an order from PENDING to CONFIRMED."""
    step = partial(store.advance, order_id=order_id, step="confirm", payment_id=paid.payment_id)
    return await run_idempotent(call, key, step)


@router.post("/{order_id}/ship", operation_id="shipOrder", **writes(Order, refusals=(404, 409)))
async def ship_order(call: CurrentCall, key: IdempotencyKey, order_id: OrderId, sent: Dispatch) -> Response:
    """Moves an order from CONFIRMED to SHIPPED."""
    return await run_idempotent(
        call, key, partial(store.advance, order_id=order_id, step="ship", shipment_id=sent.shipment_id)
    )


@router.post("/{order_id}/cancel", operation_id="cancelOrder", **writes(Order, refusals=(404, 409)))
async def cancel_order(call: CurrentCall, key: IdempotencyKey, order_id: OrderId, cancelled: Cancellation) -> Response:
    """PENDING or CONFIRMED → CANCELLED. What has been shipped cannot be cancelled."""
    step = partial(store.advance, order_id=order_id, step="cancel", cancel_reason=cancelled.reason)
    return await run_idempotent(call, key, step)


@router.post("/{order_id}/withdraw", operation_id="withdrawOrder", **writes(Withdrawal, refusals=(409,)))
async def withdraw_order(
    call: CurrentCall, key: IdempotencyKey, order_id: OrderId, cancelled: Cancellation
) -> Response:
    """Like `cancel`, also for an order that has not been created: a creation that arrives afterwards is refused."""
    return await run_idempotent(call, key, partial(store.withdraw, order_id=order_id, reason=cancelled.reason))


def create(settings: Settings, database: Database) -> FastAPI:
    return create_app("orders", description=__doc__ or "", router=router, settings=settings, database=database)
