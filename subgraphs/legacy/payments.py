"""`/api/payments` of the monolith."""

import uuid
from datetime import datetime
from functools import partial

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.kit import pagination
from subgraphs.kit.call import CurrentCall, page
from subgraphs.kit.connection import Dropped
from subgraphs.kit.contract_types import Cursor, CustomerFilter, Ids, Limit, OrderIds, PathId
from subgraphs.kit.idempotency import IdempotencyKey, Result, run_idempotent, was_replayed
from subgraphs.kit.problem import AlreadyExists, InvalidParameter, InvalidTransition, NotFound, PaymentDeclined
from subgraphs.legacy.bodies import PaymentBody, RefundBody
from subgraphs.legacy.sql import Record, money, record, records, run

router = APIRouter()


@router.get("/api/payments", operation_id="listPayments")
async def list_payments(
    call: CurrentCall,
    ids: Ids,
    order_ids: OrderIds,
    customer_id: CustomerFilter = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    customer_id = call.narrow(customer_id)
    before_at, before_id = pagination.decode(cursor, datetime, str) if cursor else (None, None)
    async with call.database.reads() as connection:
        if ids is not None:
            loaded = [await load(connection, one) for one in ids]
            return call.owned(page([p for p in loaded if p and call.caller.may_see(p["customer_id"])]))
        keys = await records(
            connection,
            """
            SELECT id, created_at FROM payments
            WHERE (CAST(:customer_id AS text) IS NULL OR customer_id = :customer_id)
              AND (CAST(:order_ids AS text[]) IS NULL OR order_id = ANY(CAST(:order_ids AS text[])))
              AND (CAST(:before_at AS timestamptz) IS NULL
                   OR (created_at, id) < (:before_at, CAST(:before_id AS text)))
            ORDER BY created_at DESC, id DESC LIMIT :limit
            """,
            customer_id=customer_id,
            order_ids=None if order_ids is None else list(order_ids),
            before_at=before_at,
            before_id=before_id,
            limit=limit + 1,
        )
        selected, next_cursor = pagination.cut(keys, limit, lambda key: pagination.encode(key["created_at"], key["id"]))
        return call.owned(page([await load(connection, key["id"]) for key in selected], next_cursor))


@router.get("/api/payments/{payment_id}", operation_id="getPayment")
async def get_payment(call: CurrentCall, payment_id: PathId) -> Response:
    async with call.database.reads() as connection:
        payment = await load(connection, payment_id)
    if payment is None or not call.caller.may_see(payment["customer_id"]):
        raise NotFound(f"There is no payment {payment_id}.")
    return call.owned(payment)


@router.post("/api/payments", operation_id="chargePayment")
async def charge_payment(call: CurrentCall, key: IdempotencyKey, body: PaymentBody) -> Response:
    response = await run_idempotent(call, key, partial(charge, body=body))
    if body.payment_method_id == "pm_timeout" and not was_replayed(response):
        return Dropped()
    return response


@router.post("/api/payments/refunds", operation_id="refundPayments")
async def refund_payments(call: CurrentCall, key: IdempotencyKey, body: RefundBody) -> Response:
    return await run_idempotent(call, key, partial(refund, order_id=body.order_id))


async def load(connection: AsyncConnection, payment_id: str) -> Record | None:
    """One payment, as the API writes it."""
    row = await record(connection, "SELECT * FROM payments WHERE id = :id", id=payment_id)
    if row is None:
        return None
    return {
        "id": row["id"],
        "order_id": row["order_id"],
        "customer_id": row["customer_id"],
        "amount": money(row["amount_minor"], row["currency"]),
        "status": row["status"],
        "method": row["method"],
        "created_at": row["created_at"],
    }


async def charge(connection: AsyncConnection, body: PaymentBody) -> Result:
    order = await record(connection, "SELECT * FROM orders WHERE id = :id FOR UPDATE", id=body.order_id)
    if order is None:
        raise InvalidParameter.field("order_id", body.order_id, "there is no such order")
    if order["customer_id"] != body.customer_id:
        raise InvalidParameter.field("customer_id", body.customer_id, "the order is not theirs")
    refunded = await record(connection, "SELECT 1 AS one FROM refunds WHERE order_id = :id", id=body.order_id)
    if refunded or order["status"] == "CANCELLED":
        raise InvalidTransition(f"Order {body.order_id} was cancelled or refunded; it cannot be charged.")
    if await record(connection, "SELECT id FROM payments WHERE order_id = :id LIMIT 1", id=body.order_id):
        raise AlreadyExists(f"Order {body.order_id} is paid already.")
    if body.payment_method_id == "pm_declined":
        raise PaymentDeclined("The card was declined; nothing was charged.")
    payment_id = f"pay_{uuid.uuid4().hex[:16]}"
    await run(
        connection,
        """
        INSERT INTO payments (id, order_id, customer_id, amount_minor, currency, status, method, created_at)
        VALUES (:id, :order_id, :customer_id, :amount_minor, :currency, 'CHARGED', :method,
                date_trunc('second', now()))
        """,
        id=payment_id,
        order_id=body.order_id,
        customer_id=body.customer_id,
        amount_minor=body.amount.amount_minor,
        currency=body.amount.currency,
        method=body.payment_method_id or "card",
    )
    payment = await load(connection, payment_id)
    assert payment is not None  # noqa: S101  # written a moment ago in this transaction
    return Result(201, payment)


async def refund(connection: AsyncConnection, order_id: str) -> Result:
    order = await record(connection, "SELECT id FROM orders WHERE id = :id FOR UPDATE", id=order_id)
    if order is None:
        return Result(200, {"order_id": order_id, "refunded": False})
    # Kept even when nothing was charged yet: a charge that arrives late must be refused.
    await run(
        connection, "INSERT INTO refunds (order_id, asked_at) VALUES (:id, now()) ON CONFLICT DO NOTHING", id=order_id
    )
    charged = await records(connection, "SELECT id FROM payments WHERE order_id = :id", id=order_id)
    for payment in charged:
        await run(connection, "UPDATE payments SET status = 'REFUNDED' WHERE id = :id", id=payment["id"])
    return Result(200, {"order_id": order_id, "refunded": bool(charged)})
