"""`/api/inventory` of the monolith."""

from functools import partial

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.kit import pagination
from subgraphs.kit.call import PUBLIC_BUT_MOVING, CurrentCall, page
from subgraphs.kit.contract_types import Cursor, EmptyBody, Ids, Limit, PathId
from subgraphs.kit.idempotency import IdempotencyKey, Result, run_idempotent
from subgraphs.kit.problem import FieldError, InvalidTransition, NotFound, OutOfStock
from subgraphs.legacy.bodies import ReservationBody
from subgraphs.legacy.sql import Record, record, records, run

router = APIRouter()


@router.get("/api/inventory", operation_id="listStock")
async def list_stock(call: CurrentCall, ids: Ids, limit: Limit = 20, cursor: Cursor = None) -> Response:
    after = pagination.decode(cursor, str)[0] if cursor else ""
    async with call.database.reads() as connection:
        if ids is not None:
            loaded = [await load(connection, one) for one in ids]
            return call.public(page([stock for stock in loaded if stock]), cache_control=PUBLIC_BUT_MOVING)
        keys = await records(
            connection,
            "SELECT product_id FROM stock WHERE product_id > :after ORDER BY product_id LIMIT :limit",
            after=after,
            limit=limit + 1,
        )
        selected, next_cursor = pagination.cut(keys, limit, lambda key: pagination.encode(key["product_id"]))
        items = [await load(connection, key["product_id"]) for key in selected]
    return call.public(page(items, next_cursor), cache_control=PUBLIC_BUT_MOVING)


@router.get("/api/inventory/{product_id}", operation_id="getStock")
async def get_stock(call: CurrentCall, product_id: PathId) -> Response:
    async with call.database.reads() as connection:
        stock = await load(connection, product_id)
    if stock is None:
        raise NotFound(f"There is no stock record of {product_id}.")
    return call.public(stock, cache_control=PUBLIC_BUT_MOVING)


@router.post("/api/inventory/reservations", operation_id="reserveStock")
async def reserve_stock(call: CurrentCall, key: IdempotencyKey, body: ReservationBody) -> Response:
    return await run_idempotent(call, key, partial(reserve, body=body))


@router.post("/api/inventory/reservations/{order_id}/release", operation_id="releaseStock")
async def release_stock(
    call: CurrentCall, key: IdempotencyKey, order_id: PathId, _: EmptyBody | None = None
) -> Response:
    return await run_idempotent(call, key, partial(release, order_id=order_id))


async def load(connection: AsyncConnection, product_id: str) -> Record | None:
    """The stock of one product, as the API writes it."""
    return await record(
        connection, "SELECT product_id, available, reserved FROM stock WHERE product_id = :id", id=product_id
    )


async def reserve(connection: AsyncConnection, body: ReservationBody) -> Result:
    """All or nothing: an exception takes back what was moved before it."""
    made = await run(
        connection,
        "INSERT INTO reservations (order_id, status) VALUES (:id, 'RESERVED') ON CONFLICT DO NOTHING",
        id=body.order_id,
    )
    if not made:
        raise InvalidTransition(f"Stock for order {body.order_id} was reserved or released before.")
    requested: dict[str, int] = {}
    for item in body.items:
        requested[item.product_id] = requested.get(item.product_id, 0) + item.quantity
    missing: dict[str, Record] = {}
    for product_id in sorted(requested):  # in this order everywhere, or two orders could block each other
        row = await record(connection, "SELECT available FROM stock WHERE product_id = :id FOR UPDATE", id=product_id)
        available = row["available"] if row else 0
        if available < requested[product_id]:
            missing[product_id] = {
                "product_id": product_id,
                "requested": requested[product_id],
                "available": available,
            }
        elif not missing:
            await _hold(connection, body.order_id, product_id, requested[product_id])
    if missing:
        raise _out_of_stock(body, missing)
    return Result(201, _reservation(body.order_id, "RESERVED", requested))


async def release(connection: AsyncConnection, order_id: str) -> Result:
    # Kept even when nothing was reserved yet: a reservation that arrives late must be refused.
    await run(
        connection,
        "INSERT INTO reservations (order_id, status) VALUES (:id, 'RELEASED') ON CONFLICT DO NOTHING",
        id=order_id,
    )
    current = await record(connection, "SELECT status FROM reservations WHERE order_id = :id FOR UPDATE", id=order_id)
    lines = await records(
        connection, "SELECT * FROM reservation_lines WHERE order_id = :id ORDER BY product_id", id=order_id
    )
    held = {line["product_id"]: line["quantity"] for line in lines}
    if current and current["status"] == "RESERVED":
        for product_id, quantity in held.items():
            await _move(connection, product_id, -quantity)
        await run(connection, "UPDATE reservations SET status = 'RELEASED' WHERE order_id = :id", id=order_id)
    return Result(200, _reservation(order_id, "RELEASED" if held else "NONE", held))


async def _hold(connection: AsyncConnection, order_id: str, product_id: str, quantity: int) -> None:
    await _move(connection, product_id, quantity)
    await run(
        connection,
        "INSERT INTO reservation_lines (order_id, product_id, quantity) VALUES (:order_id, :product_id, :quantity)",
        order_id=order_id,
        product_id=product_id,
        quantity=quantity,
    )


async def _move(connection: AsyncConnection, product_id: str, quantity: int) -> None:
    await run(
        connection,
        "UPDATE stock SET available = available - :quantity, reserved = reserved + :quantity WHERE product_id = :id",
        id=product_id,
        quantity=quantity,
    )


def _out_of_stock(body: ReservationBody, missing: dict[str, Record]) -> OutOfStock:
    errors: list[FieldError] = [
        {
            "field": f"items[{index}]",
            "value": item.product_id,
            "message": f"only {missing[item.product_id]['available']} available",
        }
        for index, item in enumerate(body.items)
        if item.product_id in missing
    ]
    first_named = dict.fromkeys(item.product_id for item in body.items if item.product_id in missing)
    return OutOfStock(
        f"Not enough of {', '.join(first_named)}; nothing was reserved.",
        errors=errors,
        extensions={"shortages": [missing[product_id] for product_id in first_named]},
    )


def _reservation(order_id: str, status: str, held: dict[str, int]) -> Record:
    items = [{"product_id": product_id, "quantity": held[product_id]} for product_id in sorted(held)]
    return {"order_id": order_id, "status": status, "items": items}
