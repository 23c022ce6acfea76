"""Orders in the database. ``owner`` limits what exists to one customer; `None` hides nothing.

A list costs two statements whatever its length: the orders, then the lines of all of them.

`create` and `withdraw` of one id take the same advisory lock first: a withdrawal (a compensation) may overtake the
creation it compensates, which is then refused.
"""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, and_, func, insert, select, true, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.kit.idempotency import Result
from subgraphs.kit.pagination import Collection
from subgraphs.kit.problem import AlreadyExists, FieldError, InvalidParameter, InvalidTransition, NotFound
from subgraphs.migrations.tables import customers, order_lines, orders, products, withdrawn_orders
from subgraphs.orders import rules
from subgraphs.orders.model import NewOrder, Order, OrderLine, OrdersOfCustomer, OrderSummary, Status, Withdrawal

ORDERS = Collection(orders, orders.c.placed_at.desc(), orders.c.id.desc(), owner=orders.c.customer_id)
CURRENCY = "EUR"


async def by_ids(connection: AsyncConnection, ids: tuple[str, ...], *, owner: str | None) -> list[Order]:
    """Those of ``ids`` that exist, in no particular order."""
    return await _with_lines(connection, await ORDERS.by_ids(connection, ids, owner=owner))


async def page(
    connection: AsyncConnection, *, customer_id: str | None, status: Status | None, limit: int, cursor: str | None
) -> tuple[list[Order], str | None]:
    """Orders, newest first, each with its lines."""
    conditions = [] if customer_id is None else [orders.c.customer_id == customer_id]
    if status is not None:
        conditions.append(orders.c.status == status)
    rows, next_cursor = await ORDERS.page(connection, *conditions, limit=limit, cursor=cursor)
    return await _with_lines(connection, rows), next_cursor


async def newest_of_each(
    connection: AsyncConnection, customer_ids: Sequence[str], *, status: Status | None, limit: int
) -> list[OrdersOfCustomer]:
    """The newest ``limit`` orders of each customer that exists."""
    own = ORDERS.rows.where(orders.c.customer_id == customers.c.id)
    if status is not None:
        own = own.where(orders.c.status == status)
    newest = own.order_by(*ORDERS.order).limit(limit + 1).lateral("newest")
    query = (
        select(customers.c.id.label("owner"), newest)
        .select_from(customers.outerjoin(newest, true()))
        .where(customers.c.id == func.any(list(customer_ids)))
        .order_by(customers.c.id, newest.c.placed_at.desc(), newest.c.id.desc())
    )
    by_owner: dict[str, list[Row[Any]]] = {}
    for row in await connection.execute(query):
        rows_of_owner = by_owner.setdefault(row.owner, [])
        if row.id is not None:
            rows_of_owner.append(row)
    pages = {owner: ORDERS.cut(rows, limit) for owner, rows in by_owner.items()}
    loaded = await _with_lines(connection, [row for rows, _ in pages.values() for row in rows])
    by_id = {order["id"]: order for order in loaded}
    return [
        {"customer_id": owner, "items": [by_id[row.id] for row in rows], "next_cursor": next_cursor}
        for owner, (rows, next_cursor) in pages.items()
    ]


async def summary(connection: AsyncConnection, customer_id: str) -> OrderSummary | None:
    """The customer's orders in figures; `None` when there is no such customer."""
    counted = and_(orders.c.customer_id == customer_id, orders.c.status != "CANCELLED")
    figures = (
        select(
            func.count().label("order_count"),
            func.coalesce(func.sum(orders.c.total_minor), 0).label("spent_minor"),
            select(customers.c.id).where(customers.c.id == customer_id).scalar_subquery().label("customer_id"),
        )
        .select_from(orders)
        .where(counted)
    )
    row = (await connection.execute(figures)).one()
    if row.customer_id is None:
        return None
    bought = order_lines.join(orders, orders.c.id == order_lines.c.order_id).join(
        products, products.c.id == order_lines.c.product_id
    )
    favorites = (
        select(products.c.category)
        .select_from(bought)
        .where(counted)
        .group_by(products.c.category)
        .order_by(func.sum(order_lines.c.quantity).desc(), products.c.category)
        .limit(3)
    )
    return {
        "customer_id": customer_id,
        "order_count": row.order_count,
        "total_spent": {"amount_minor": int(row.spent_minor), "currency": CURRENCY},
        "favorite_categories": list((await connection.execute(favorites)).scalars()),
    }


async def create(connection: AsyncConnection, new: NewOrder) -> Result:
    """Places an order at today's prices. Raises `InvalidParameter` for what does not exist, `AlreadyExists`.

    Raises `InvalidTransition` for an id that was withdrawn.
    """
    query = select(products).where(products.c.id == func.any([item.product_id for item in new.items]))
    products_by_id = {row.id: row for row in await connection.execute(query)}
    exists = await connection.scalar(select(customers.c.id).where(customers.c.id == new.customer_id))
    if errors := _unknown(new, products=products_by_id, customer=exists):
        raise InvalidParameter("; ".join(f"{e['field']}: {e['message']}" for e in errors), errors=errors)
    order_id = new.id or f"ord_{uuid.uuid4().hex[:16]}"
    await _lock(connection, order_id)
    withdrawn = select(withdrawn_orders.c.order_id).where(withdrawn_orders.c.order_id == order_id)
    if await connection.scalar(withdrawn) is not None:
        raise InvalidTransition(f"Order {order_id} was withdrawn before it was created.")
    row = {
        "id": order_id,
        "customer_id": new.customer_id,
        "placed_at": func.date_trunc("second", func.now()),
        "status": "PENDING",
        "total_minor": rules.total_minor(
            (item.quantity, products_by_id[item.product_id].price_minor) for item in new.items
        ),
        "currency": CURRENCY,
        "items_count": sum(item.quantity for item in new.items),
    }
    placed = await connection.execute(upsert(orders).values(row).on_conflict_do_nothing().returning(orders.c.id))
    if placed.first() is None:
        raise AlreadyExists(f"There is an order {order_id} already.")
    lines = [
        {
            "order_id": order_id,
            "line": position,
            "product_id": item.product_id,
            "product_name": products_by_id[item.product_id].name,
            "quantity": item.quantity,
            "unit_price_minor": products_by_id[item.product_id].price_minor,
            "currency": products_by_id[item.product_id].currency,
        }
        for position, item in enumerate(new.items, 1)
    ]
    await connection.execute(insert(order_lines), lines)
    return Result(201, await _one(connection, order_id))


async def advance(connection: AsyncConnection, order_id: str, step: rules.Step, **values: str) -> Result:
    """Takes the order one step further and keeps ``values`` with it. Raises `NotFound`, `InvalidTransition`."""
    this = orders.c.id == order_id
    status = await connection.scalar(select(orders.c.status).where(this).with_for_update())
    if status is None:
        raise NotFound(f"There is no order {order_id}.")
    status = rules.after(status, step, order_id=order_id)
    await connection.execute(update(orders).where(this).values(status=status, **values))
    return Result(200, await _one(connection, order_id))


async def withdraw(connection: AsyncConnection, order_id: str, reason: str) -> Result:
    """Cancels the order, or sees to it that there never is one. Raises `InvalidTransition` for one that was sent."""
    await _lock(connection, order_id)
    status = await connection.scalar(select(orders.c.status).where(orders.c.id == order_id))
    if status is None:
        tombstone = upsert(withdrawn_orders).values(order_id=order_id, asked_at=func.now())
        await connection.execute(tombstone.on_conflict_do_nothing())
    elif status != "CANCELLED":
        await advance(connection, order_id, "cancel", cancel_reason=reason)
    body: Withdrawal = {"order_id": order_id, "status": "NONE" if status is None else "CANCELLED"}
    return Result(200, body)


async def _lock(connection: AsyncConnection, order_id: str) -> None:
    await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(order_id, 0))))


def _unknown(new: NewOrder, *, products: dict[str, Any], customer: str | None) -> list[FieldError]:
    errors: list[FieldError] = [
        {"field": f"items[{index}].product_id", "value": item.product_id, "message": "there is no such product"}
        for index, item in enumerate(new.items)
        if item.product_id not in products
    ]
    if customer is None:
        errors.append({"field": "customer_id", "value": new.customer_id, "message": "there is no such customer"})
    return errors


async def _one(connection: AsyncConnection, order_id: str) -> Order:
    return (await by_ids(connection, (order_id,), owner=None))[0]


async def _with_lines(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> list[Order]:
    lines: dict[str, list[OrderLine]] = {row.id: [] for row in rows}
    if lines:
        query = select(order_lines).where(order_lines.c.order_id == func.any(list(lines)))
        for row in await connection.execute(query.order_by(order_lines.c.order_id, order_lines.c.line)):
            lines[row.order_id].append(_line(row))
    return [_order(row, lines[row.id]) for row in rows]


def _line(row: Row[Any]) -> OrderLine:
    return {
        "product_id": row.product_id,
        "product_name": row.product_name,
        "quantity": row.quantity,
        "unit_price": {"amount_minor": row.unit_price_minor, "currency": row.currency},
    }


def _order(row: Row[Any], lines: list[OrderLine]) -> Order:
    return {
        "id": row.id,
        "customer_id": row.customer_id,
        "placed_at": row.placed_at,
        "status": row.status,
        "total": {"amount_minor": row.total_minor, "currency": row.currency},
        "items_count": row.items_count,
        "items": lines,
        "cancel_reason": row.cancel_reason,
    }
