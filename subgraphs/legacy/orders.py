"""`/api/orders` of the monolith. A page of orders costs a query for the page, one an order, and one for its lines."""

import uuid
from datetime import datetime
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.kit import pagination
from subgraphs.kit.call import CurrentCall, page
from subgraphs.kit.contract_types import Cursor, CustomerFilter, CustomerIds, Ids, Limit, PathId, QueryId
from subgraphs.kit.idempotency import IdempotencyKey, Result, run_idempotent
from subgraphs.kit.problem import AlreadyExists, FieldError, InvalidParameter, InvalidTransition, NotFound
from subgraphs.legacy import customers, products
from subgraphs.legacy.bodies import CancelBody, ConfirmBody, OrderBody, ShipBody, WithdrawBody
from subgraphs.legacy.sql import Record, money, record, records, run

router = APIRouter()
Status = Annotated[Literal["PENDING", "CONFIRMED", "SHIPPED", "DELIVERED", "CANCELLED"] | None, Query()]


@router.get("/api/orders", operation_id="listOrders")
async def list_orders(
    call: CurrentCall,
    ids: Ids,
    customer_id: CustomerFilter = None,
    status: Status = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    customer_id = call.narrow(customer_id)
    async with call.database.reads() as connection:
        if ids is not None:
            loaded = [await load(connection, one) for one in ids]
            return call.owned(page([o for o in loaded if o and call.caller.may_see(o["customer_id"])]))
        items, next_cursor = await newest(connection, customer_id, status, limit, cursor)
    return call.owned(page(items, next_cursor))


@router.get("/api/orders/by-customer", operation_id="listOrdersByCustomer")
async def list_orders_by_customer(
    call: CurrentCall, customer_ids: CustomerIds, status: Status = None, limit: Limit = 20
) -> Response:
    entries = []
    async with call.database.reads() as connection:
        for customer_id in customer_ids:
            if not call.caller.may_see(customer_id) or await customers.load(connection, customer_id) is None:
                continue
            items, next_cursor = await newest(connection, customer_id, status, limit, None)
            entries.append({"customer_id": customer_id, **page(items, next_cursor)})
    return call.owned({"items": entries})


@router.get("/api/orders/summary", operation_id="getOrderSummary")
async def get_order_summary(call: CurrentCall, customer_id: QueryId) -> Response:
    call.narrow(customer_id)
    async with call.database.reads() as connection:
        if await customers.load(connection, customer_id) is None:
            raise NotFound(f"There is no customer {customer_id}.")
        keys = await records(
            connection, "SELECT id FROM orders WHERE customer_id = :id AND status <> 'CANCELLED'", id=customer_id
        )
        spent_minor, units = 0, dict[str, int]()
        for key in keys:
            order = await load(connection, key["id"])
            assert order is not None  # noqa: S101  # orders are never deleted
            spent_minor += order["total"]["amount_minor"]
            for line in order["items"]:
                product = await products.load(connection, line["product_id"])
                assert product is not None  # noqa: S101  # nor are products
                units[product["category"]] = units.get(product["category"], 0) + line["quantity"]
    return call.owned(
        {
            "customer_id": customer_id,
            "order_count": len(keys),
            "total_spent": money(spent_minor, "EUR"),
            "favorite_categories": sorted(units, key=lambda category: (-units[category], category))[:3],
        }
    )


@router.get("/api/orders/{order_id}", operation_id="getOrder")
async def get_order(call: CurrentCall, order_id: PathId) -> Response:
    async with call.database.reads() as connection:
        order = await load(connection, order_id)
    if order is None or not call.caller.may_see(order["customer_id"]):
        raise NotFound(f"There is no order {order_id}.")
    return call.owned(order)


@router.post("/api/orders", operation_id="createOrder")
async def create_order(call: CurrentCall, key: IdempotencyKey, body: OrderBody) -> Response:
    return await run_idempotent(call, key, partial(place, body=body))


@router.post("/api/orders/{order_id}/confirm", operation_id="confirmOrder")
async def confirm_order(call: CurrentCall, key: IdempotencyKey, order_id: PathId, body: ConfirmBody) -> Response:
    return await run_idempotent(call, key, partial(confirm, order_id=order_id, payment_id=body.payment_id))


@router.post("/api/orders/{order_id}/ship", operation_id="shipOrder")
async def ship_order(call: CurrentCall, key: IdempotencyKey, order_id: PathId, body: ShipBody) -> Response:
    return await run_idempotent(call, key, partial(ship, order_id=order_id, shipment_id=body.shipment_id))


@router.post("/api/orders/{order_id}/cancel", operation_id="cancelOrder")
async def cancel_order(call: CurrentCall, key: IdempotencyKey, order_id: PathId, body: CancelBody) -> Response:
    return await run_idempotent(call, key, partial(cancel, order_id=order_id, reason=body.reason))


@router.post("/api/orders/{order_id}/withdraw", operation_id="withdrawOrder")
async def withdraw_order(call: CurrentCall, key: IdempotencyKey, order_id: PathId, body: WithdrawBody) -> Response:
    return await run_idempotent(call, key, partial(withdraw, order_id=order_id, reason=body.reason))


async def load(connection: AsyncConnection, order_id: str) -> Record | None:
    """One order with its lines, as the API writes it."""
    row = await record(connection, "SELECT * FROM orders WHERE id = :id", id=order_id)
    if row is None:
        return None
    lines = await records(connection, "SELECT * FROM order_lines WHERE order_id = :id ORDER BY line", id=order_id)
    return {
        "id": row["id"],
        "customer_id": row["customer_id"],
        "placed_at": row["placed_at"],
        "status": row["status"],
        "total": money(row["total_minor"], row["currency"]),
        "items_count": row["items_count"],
        "items": [
            {
                "product_id": line["product_id"],
                "product_name": line["product_name"],
                "quantity": line["quantity"],
                "unit_price": money(line["unit_price_minor"], line["currency"]),
            }
            for line in lines
        ],
        "cancel_reason": row["cancel_reason"],
    }


async def newest(
    connection: AsyncConnection, customer_id: str | None, status: str | None, limit: int, cursor: str | None
) -> tuple[list[Record | None], str | None]:
    """A page of orders, newest first."""
    before_at, before_id = pagination.decode(cursor, datetime, str) if cursor else (None, None)
    keys = await records(
        connection,
        """
        SELECT id, placed_at FROM orders
        WHERE (CAST(:customer_id AS text) IS NULL OR customer_id = :customer_id)
          AND (CAST(:status AS text) IS NULL OR status = :status)
          AND (CAST(:before_at AS timestamptz) IS NULL OR (placed_at, id) < (:before_at, CAST(:before_id AS text)))
        ORDER BY placed_at DESC, id DESC LIMIT :limit
        """,
        customer_id=customer_id,
        status=status,
        before_at=before_at,
        before_id=before_id,
        limit=limit + 1,
    )
    selected, next_cursor = pagination.cut(keys, limit, lambda key: pagination.encode(key["placed_at"], key["id"]))
    return [await load(connection, key["id"]) for key in selected], next_cursor


async def place(connection: AsyncConnection, body: OrderBody) -> Result:
    errors: list[FieldError] = []
    priced: list[tuple[Record, int]] = []
    for index, item in enumerate(body.items):
        product = await products.load(connection, item.product_id)
        if product is None:
            field = f"items[{index}].product_id"
            errors.append({"field": field, "value": item.product_id, "message": "there is no such product"})
        else:
            priced.append((product, item.quantity))
    if await customers.load(connection, body.customer_id) is None:
        errors.append({"field": "customer_id", "value": body.customer_id, "message": "there is no such customer"})
    if errors:
        raise InvalidParameter("; ".join(f"{e['field']}: {e['message']}" for e in errors), errors=errors)
    order_id = body.id or f"ord_{uuid.uuid4().hex[:16]}"
    await _lock(connection, order_id)
    if await record(connection, "SELECT 1 AS one FROM withdrawn_orders WHERE order_id = :id", id=order_id):
        raise InvalidTransition(f"Order {order_id} was withdrawn before it was created.")
    placed = await run(
        connection,
        """
        INSERT INTO orders (id, customer_id, placed_at, status, total_minor, currency, items_count)
        VALUES (:id, :customer_id, date_trunc('second', now()), 'PENDING', :total_minor, 'EUR', :items_count)
        ON CONFLICT DO NOTHING
        """,
        id=order_id,
        customer_id=body.customer_id,
        total_minor=sum(product["price"]["amount_minor"] * quantity for product, quantity in priced),
        items_count=sum(quantity for _, quantity in priced),
    )
    if not placed:
        raise AlreadyExists(f"There is an order {order_id} already.")
    for position, (product, quantity) in enumerate(priced, 1):
        await run(
            connection,
            """
            INSERT INTO order_lines
                (order_id, line, product_id, product_name, quantity, unit_price_minor, currency)
            VALUES (:order_id, :line, :product_id, :product_name, :quantity, :unit_price_minor, :currency)
            """,
            order_id=order_id,
            line=position,
            product_id=product["id"],
            product_name=product["name"],
            quantity=quantity,
            unit_price_minor=product["price"]["amount_minor"],
            currency=product["price"]["currency"],
        )
    return await _respond(connection, 201, order_id)


async def confirm(connection: AsyncConnection, order_id: str, payment_id: str) -> Result:
    status = await _locked_status(connection, order_id)
    if status != "PENDING":
        raise InvalidTransition(f"Order {order_id} is {status}; it cannot be changed by 'confirm'.")
    await run(
        connection,
        "UPDATE orders SET status = 'CONFIRMED', payment_id = :payment_id WHERE id = :id",
        id=order_id,
        payment_id=payment_id,
    )
    return await _respond(connection, 200, order_id)


async def ship(connection: AsyncConnection, order_id: str, shipment_id: str) -> Result:
    status = await _locked_status(connection, order_id)
    if status != "CONFIRMED":
        raise InvalidTransition(f"Order {order_id} is {status}; it cannot be changed by 'ship'.")
    await run(
        connection,
        "UPDATE orders SET status = 'SHIPPED', shipment_id = :shipment_id WHERE id = :id",
        id=order_id,
        shipment_id=shipment_id,
    )
    return await _respond(connection, 200, order_id)


async def cancel(connection: AsyncConnection, order_id: str, reason: str) -> Result:
    status = await _locked_status(connection, order_id)
    if status not in ("PENDING", "CONFIRMED"):
        raise InvalidTransition(f"Order {order_id} is {status}; it cannot be changed by 'cancel'.")
    await run(
        connection,
        "UPDATE orders SET status = 'CANCELLED', cancel_reason = :reason WHERE id = :id",
        id=order_id,
        reason=reason,
    )
    return await _respond(connection, 200, order_id)


async def withdraw(connection: AsyncConnection, order_id: str, reason: str) -> Result:
    await _lock(connection, order_id)
    order = await record(connection, "SELECT status FROM orders WHERE id = :id", id=order_id)
    if order is None:
        await run(
            connection,
            "INSERT INTO withdrawn_orders (order_id, asked_at) VALUES (:id, now()) ON CONFLICT DO NOTHING",
            id=order_id,
        )
        return Result(200, {"order_id": order_id, "status": "NONE"})
    if order["status"] != "CANCELLED":
        await cancel(connection, order_id, reason)
    return Result(200, {"order_id": order_id, "status": "CANCELLED"})


async def _lock(connection: AsyncConnection, order_id: str) -> None:
    await record(connection, "SELECT pg_advisory_xact_lock(hashtextextended(:id, 0))", id=order_id)


async def _locked_status(connection: AsyncConnection, order_id: str) -> str:
    row = await record(connection, "SELECT status FROM orders WHERE id = :id FOR UPDATE", id=order_id)
    if row is None:
        raise NotFound(f"There is no order {order_id}.")
    return str(row["status"])


async def _respond(connection: AsyncConnection, status: int, order_id: str) -> Result:
    order = await load(connection, order_id)
    assert order is not None  # noqa: S101  # written a moment ago in this transaction
    return Result(status, order)
