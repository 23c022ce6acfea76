"""Stock and reservations in the database.

Rows are locked in a stable order (the reservation, then stock by product id), so that two orders for the same products
never wait for each other in a circle. A reservation row is never deleted: one that was released, even before it was
made, refuses a reservation that arrives late (a compensation may overtake its step).
"""

from typing import Any, cast

from sqlalchemy import ColumnElement, Integer, Row, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.inventory import rules
from subgraphs.inventory.model import NewReservation, Reservation, ReservedItem, Stock
from subgraphs.kit.idempotency import Result
from subgraphs.kit.pagination import Collection
from subgraphs.kit.problem import InvalidTransition, OutOfStock
from subgraphs.migrations.tables import reservation_lines, reservations, stock

STOCK = Collection(stock, stock.c.product_id)


async def by_ids(connection: AsyncConnection, ids: tuple[str, ...]) -> list[Stock]:
    """The stock of those products that have any record of it."""
    return [_stock(row) for row in await STOCK.by_ids(connection, ids)]


async def page(connection: AsyncConnection, *, limit: int, cursor: str | None) -> tuple[list[Stock], str | None]:
    """Stock by product id."""
    rows, next_cursor = await STOCK.page(connection, limit=limit, cursor=cursor)
    return [_stock(row) for row in rows], next_cursor


async def reserve(connection: AsyncConnection, new: NewReservation) -> Result:
    """Holds everything or nothing. Raises `OutOfStock`, or `InvalidTransition` when the order had its reservation."""
    claim = insert(reservations).values(order_id=new.order_id, status="RESERVED").on_conflict_do_nothing()
    if (await connection.execute(claim.returning(reservations.c.order_id))).first() is None:
        raise InvalidTransition(f"Stock for order {new.order_id} was reserved or released before.")
    items = [(item.product_id, item.quantity) for item in new.items]
    requested = rules.per_product(items)
    locked = (
        STOCK.rows.where(stock.c.product_id == func.any(list(requested))).order_by(stock.c.product_id).with_for_update()
    )
    available = {row.product_id: row.available for row in await connection.execute(locked)}
    if missing := rules.shortages(requested, available):
        names = ", ".join(shortage["product_id"] for shortage in missing)
        raise OutOfStock(
            f"Not enough of {names}; nothing was reserved.",
            errors=rules.errors_of(missing, items),
            extensions={"shortages": missing},
        )
    await _move(connection, requested, sign=1)
    lines = [
        {"order_id": new.order_id, "product_id": product_id, "quantity": units}
        for product_id, units in requested.items()
    ]
    await connection.execute(insert(reservation_lines), lines)
    body: Reservation = {"order_id": new.order_id, "status": "RESERVED", "items": _items(requested)}
    return Result(201, body)


async def release(connection: AsyncConnection, order_id: str) -> Result:
    """Gives back what is held. NONE when nothing ever was; then nothing can be held afterwards either."""
    tombstone = insert(reservations).values(order_id=order_id, status="RELEASED").on_conflict_do_nothing()
    if (await connection.execute(tombstone.returning(reservations.c.order_id))).first() is not None:
        return Result(200, _released(order_id, "NONE", {}))
    this = reservations.c.order_id == order_id
    status = await connection.scalar(select(reservations.c.status).where(this).with_for_update())
    held = await connection.execute(
        select(reservation_lines.c.product_id, reservation_lines.c.quantity)
        .where(reservation_lines.c.order_id == order_id)
        .order_by(reservation_lines.c.product_id)
    )
    units = {row.product_id: row.quantity for row in held}
    if not units:
        return Result(200, _released(order_id, "NONE", {}))
    if status == "RESERVED":
        locked = select(stock.c.product_id).where(stock.c.product_id == func.any(list(units)))
        await connection.execute(locked.order_by(stock.c.product_id).with_for_update())
        await _move(connection, units, sign=-1)
        await connection.execute(update(reservations).where(this).values(status="RELEASED"))
    return Result(200, _released(order_id, "RELEASED", units))


async def _move(connection: AsyncConnection, units: dict[str, int], *, sign: int) -> None:
    """From available to reserved (``sign`` 1) or back (-1). The rows are locked already."""
    moved: ColumnElement[int] = bindparam("moved", type_=Integer)
    statement = (
        update(stock)
        .where(stock.c.product_id == bindparam("product"))
        .values(available=stock.c.available - moved, reserved=stock.c.reserved + moved)
    )
    await connection.execute(
        statement, [{"product": product_id, "moved": sign * count} for product_id, count in units.items()]
    )


def _released(order_id: str, status: str, units: dict[str, int]) -> Reservation:
    return cast(Reservation, {"order_id": order_id, "status": status, "items": _items(units)})


def _stock(row: Row[Any]) -> Stock:
    return {"product_id": row.product_id, "available": row.available, "reserved": row.reserved}


def _items(units: dict[str, int]) -> list[ReservedItem]:
    return [{"product_id": product_id, "quantity": quantity} for product_id, quantity in sorted(units.items())]
