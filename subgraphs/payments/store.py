"""Payments in the database. ``owner`` limits what exists to one customer; `None` hides nothing.

Charge and refund of an order both lock its row first, so they never interleave. A refund is final even when it comes
before the charge (a compensation may overtake its step): the charge that arrives late is refused.
"""

import uuid
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.kit.idempotency import Result
from subgraphs.kit.pagination import Collection
from subgraphs.kit.problem import AlreadyExists, InvalidParameter, InvalidTransition
from subgraphs.migrations.tables import orders, payments, refunds
from subgraphs.payments import rules
from subgraphs.payments.model import NewPayment, Payment, Refund

PAYMENTS = Collection(payments, payments.c.created_at.desc(), payments.c.id.desc(), owner=payments.c.customer_id)


async def by_ids(connection: AsyncConnection, ids: tuple[str, ...], *, owner: str | None) -> list[Payment]:
    """Those of ``ids`` that exist, in no particular order."""
    return [_payment(row) for row in await PAYMENTS.by_ids(connection, ids, owner=owner)]


async def page(
    connection: AsyncConnection,
    *,
    customer_id: str | None,
    order_ids: tuple[str, ...] | None,
    limit: int,
    cursor: str | None,
) -> tuple[list[Payment], str | None]:
    """Payments, newest first, and the cursor of the next page."""
    conditions = [] if customer_id is None else [payments.c.customer_id == customer_id]
    if order_ids is not None:
        conditions.append(payments.c.order_id == func.any(list(order_ids)))
    rows, next_cursor = await PAYMENTS.page(connection, *conditions, limit=limit, cursor=cursor)
    return [_payment(row) for row in rows], next_cursor


async def charge(connection: AsyncConnection, new: NewPayment) -> Result:
    """Takes the money, once for an order. Raises `InvalidParameter`, `PaymentDeclined`, `InvalidTransition`.

    Raises `AlreadyExists` for an order that was paid under another key.
    """
    order = await _locked_order(connection, new.order_id)
    if order is None:
        raise InvalidParameter.field("order_id", new.order_id, "there is no such order")
    if order.customer_id != new.customer_id:
        raise InvalidParameter.field("customer_id", new.customer_id, "the order is not theirs")
    refunded = await connection.scalar(select(refunds.c.order_id).where(refunds.c.order_id == new.order_id))
    if refunded is not None or order.status == "CANCELLED":
        raise InvalidTransition(f"Order {new.order_id} was cancelled or refunded; it cannot be charged.")
    if await connection.scalar(select(payments.c.id).where(payments.c.order_id == new.order_id).limit(1)):
        raise AlreadyExists(f"Order {new.order_id} is paid already.")
    row = {
        "id": f"pay_{uuid.uuid4().hex[:16]}",
        "order_id": new.order_id,
        "customer_id": new.customer_id,
        "amount_minor": new.amount.amount_minor,
        "currency": new.amount.currency,
        "status": "CHARGED",
        "method": rules.method_of(new.payment_method_id),
        "created_at": func.date_trunc("second", func.now()),
    }
    charged = await connection.execute(insert(payments).values(row).returning(payments))
    return Result(201, _payment(charged.one()))


async def refund(connection: AsyncConnection, order_id: str) -> Result:
    """Gives back what was taken for the order, if anything. No order, nothing to give back."""
    if await _locked_order(connection, order_id) is None:
        return _refunded(order_id, False)
    final = insert(refunds).values(order_id=order_id, asked_at=func.now()).on_conflict_do_nothing()
    await connection.execute(final)
    of_order = payments.c.order_id == order_id
    await connection.execute(update(payments).where(of_order, payments.c.status == "CHARGED").values(status="REFUNDED"))
    return _refunded(order_id, await connection.scalar(select(payments.c.id).where(of_order).limit(1)) is not None)


async def _locked_order(connection: AsyncConnection, order_id: str) -> Row[Any, Any] | None:
    query = select(orders.c.customer_id, orders.c.status).where(orders.c.id == order_id).with_for_update()
    return (await connection.execute(query)).first()


def _refunded(order_id: str, refunded: bool) -> Result:
    body: Refund = {"order_id": order_id, "refunded": refunded}
    return Result(200, body)


def _payment(row: Row[Any]) -> Payment:
    return {
        "id": row.id,
        "order_id": row.order_id,
        "customer_id": row.customer_id,
        "amount": {"amount_minor": row.amount_minor, "currency": row.currency},
        "status": row.status,
        "method": row.method,
        "created_at": row.created_at,
    }
