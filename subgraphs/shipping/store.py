"""Shipments in the database. ``owner`` limits what exists to one customer; `None` hides nothing."""

import uuid
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.kit.idempotency import Result
from subgraphs.kit.pagination import Collection
from subgraphs.kit.problem import InvalidParameter, InvalidTransition, NotFound
from subgraphs.migrations.tables import orders, shipments
from subgraphs.shipping import rules
from subgraphs.shipping.model import NewShipment, Shipment

SHIPMENTS = Collection(shipments, shipments.c.shipped_at.desc(), shipments.c.id.desc(), owner=shipments.c.customer_id)


async def by_ids(connection: AsyncConnection, ids: tuple[str, ...], *, owner: str | None) -> list[Shipment]:
    """Those of ``ids`` that exist, in no particular order."""
    return [_shipment(row) for row in await SHIPMENTS.by_ids(connection, ids, owner=owner)]


async def page(
    connection: AsyncConnection,
    *,
    customer_id: str | None,
    order_ids: tuple[str, ...] | None,
    limit: int,
    cursor: str | None,
) -> tuple[list[Shipment], str | None]:
    """Shipments, newest first, and the cursor of the next page."""
    conditions = [] if customer_id is None else [shipments.c.customer_id == customer_id]
    if order_ids is not None:
        conditions.append(shipments.c.order_id == func.any(list(order_ids)))
    rows, next_cursor = await SHIPMENTS.page(connection, *conditions, limit=limit, cursor=cursor)
    return [_shipment(row) for row in rows], next_cursor


async def create(connection: AsyncConnection, new: NewShipment) -> Result:
    """Hands the order to a carrier, once. Raises `InvalidParameter`, `InvalidTransition`."""
    # The lock keeps a cancellation of the order from slipping in between.
    query = select(orders.c.customer_id, orders.c.status).where(orders.c.id == new.order_id).with_for_update(read=True)
    order = (await connection.execute(query)).first()
    if order is None:
        raise InvalidParameter.field("order_id", new.order_id, "there is no such order")
    if order.customer_id != new.customer_id:
        raise InvalidParameter.field("customer_id", new.customer_id, "the order is not theirs")
    if order.status == "CANCELLED":
        raise InvalidTransition(f"Order {new.order_id} was cancelled; it cannot be sent.")
    row = {
        "id": f"ship_{uuid.uuid4().hex[:16]}",
        "order_id": new.order_id,
        "customer_id": new.customer_id,
        **rules.label_for(new.order_id)._asdict(),
        "status": "IN_TRANSIT",
        "shipped_at": func.date_trunc("second", func.now()),
    }
    sent = insert(shipments).values(row).on_conflict_do_nothing(index_elements=["order_id"]).returning(shipments)
    created = (await connection.execute(sent)).first()
    if created is None:
        raise InvalidTransition(f"Order {new.order_id} has been sent already.")
    return Result(201, _shipment(created))


async def deliver(connection: AsyncConnection, shipment_id: str) -> Result:
    """Marks it as handed over. Raises `NotFound`."""
    change = update(shipments).where(shipments.c.id == shipment_id).values(status="DELIVERED").returning(shipments)
    row = (await connection.execute(change)).first()
    if row is None:
        raise NotFound(f"There is no shipment {shipment_id}.")
    return Result(200, _shipment(row))


def _shipment(row: Row[Any]) -> Shipment:
    return {
        "id": row.id,
        "order_id": row.order_id,
        "customer_id": row.customer_id,
        "carrier": row.carrier,
        "tracking_number": row.tracking_number,
        "tracking_url": row.tracking_url,
        "status": row.status,
        "shipped_at": row.shipped_at,
    }
