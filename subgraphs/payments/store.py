"""Payments in the database. ``owner`` limits what exists to one customer; `None` hides nothing.

Charge and refund of an order both lock its row first, so they never interleave. A refund is final even when it comes
before the charge (a compensation may overtake the step it undoes): the charge that arrives late is refused.
"""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.kit import cursor as cursors
from subgraphs.kit.idempotency import Answer
from subgraphs.kit.problem import AlreadyExists, InvalidParameter, InvalidTransition
from subgraphs.migrations.tables import orders, payments, refunds
from subgraphs.payments import rules
from subgraphs.payments.model import NewPayment, Payment, Refund

ROWS = select(payments)


async def by_ids(connection: AsyncConnection, ids: tuple[str, ...], *, owner: str | None) -> list[Payment]:
    """Those of ``ids`` that exist, in no particular order."""
    wanted = ROWS.where(payments.c.id == func.any(list(ids)))
    if owner is not None:
        wanted = wanted.where(payments.c.customer_id == owner)
    return [_payment(row) for row in await connection.execute(wanted)]


async def page(
    connection: AsyncConnection,
    *,
    customer_id: str | None,
    order_ids: tuple[str, ...] | None,
    limit: int,
    cursor: str | None,
) -> tuple[list[Payment], str | None]:
    """Payments, newest first."""
    conditions: list[ColumnElement[bool]] = []
    if customer_id is not None:
        conditions.append(payments.c.customer_id == customer_id)
    if order_ids is not None:
        conditions.append(payments.c.order_id == func.any(list(order_ids)))
    if cursor is not None:
        created_at, payment_id = cursors.decode(cursor, datetime, str)
        conditions.append(tuple_(payments.c.created_at, payments.c.id) < tuple_(created_at, payment_id))
    newest_first = (payments.c.created_at.desc(), payments.c.id.desc())
    rows = (await connection.execute(ROWS.where(*conditions).order_by(*newest_first).limit(limit + 1))).all()
    shown, following = cursors.cut(rows, limit, lambda row: cursors.encode(row.created_at, row.id))
    return [_payment(row) for row in shown], following


async def charge(connection: AsyncConnection, new: NewPayment) -> Answer:
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
    return Answer(201, _payment(charged.one()))


async def refund(connection: AsyncConnection, order_id: str) -> Answer:
    """Gives back what was taken for the order, if anything. An order nobody knows is nothing to give back."""
    if await _locked_order(connection, order_id) is None:
        return _refunded(order_id, False)
    final = insert(refunds).values(order_id=order_id, asked_at=func.now()).on_conflict_do_nothing()
    await connection.execute(final)
    of_order = payments.c.order_id == order_id
    await connection.execute(update(payments).where(of_order, payments.c.status == "CHARGED").values(status="REFUNDED"))
    return _refunded(order_id, await connection.scalar(select(payments.c.id).where(of_order).limit(1)) is not None)


async def _locked_order(connection: AsyncConnection, order_id: str) -> Row[Any, Any] | None:
    wanted = select(orders.c.customer_id, orders.c.status).where(orders.c.id == order_id).with_for_update()
    return (await connection.execute(wanted)).first()


def _refunded(order_id: str, refunded: bool) -> Answer:
    body: Refund = {"order_id": order_id, "refunded": refunded}
    return Answer(200, body)


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
