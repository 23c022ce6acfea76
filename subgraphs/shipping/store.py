"""Shipments in the database. ``owner`` limits what exists to one customer; `None` hides nothing."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.kit import cursor as cursors
from subgraphs.kit.idempotency import Answer
from subgraphs.kit.problem import InvalidParameter, InvalidTransition
from subgraphs.migrations.tables import orders, shipments
from subgraphs.shipping import rules
from subgraphs.shipping.model import NewShipment, Shipment

ROWS = select(shipments)


async def by_ids(connection: AsyncConnection, ids: tuple[str, ...], *, owner: str | None) -> list[Shipment]:
    """Those of ``ids`` that exist, in no particular order."""
    wanted = ROWS.where(shipments.c.id == func.any(list(ids)))
    if owner is not None:
        wanted = wanted.where(shipments.c.customer_id == owner)
    return [_shipment(row) for row in await connection.execute(wanted)]


async def page(
    connection: AsyncConnection,
    *,
    customer_id: str | None,
    order_ids: tuple[str, ...] | None,
    limit: int,
    cursor: str | None,
) -> tuple[list[Shipment], str | None]:
    """Shipments, newest first."""
    conditions: list[ColumnElement[bool]] = []
    if customer_id is not None:
        conditions.append(shipments.c.customer_id == customer_id)
    if order_ids is not None:
        conditions.append(shipments.c.order_id == func.any(list(order_ids)))
    if cursor is not None:
        shipped_at, shipment_id = cursors.decode(cursor, datetime, str)
        conditions.append(tuple_(shipments.c.shipped_at, shipments.c.id) < tuple_(shipped_at, shipment_id))
    newest_first = (shipments.c.shipped_at.desc(), shipments.c.id.desc())
    rows = (await connection.execute(ROWS.where(*conditions).order_by(*newest_first).limit(limit + 1))).all()
    shown, following = cursors.cut(rows, limit, lambda row: cursors.encode(row.shipped_at, row.id))
    return [_shipment(row) for row in shown], following


async def create(connection: AsyncConnection, new: NewShipment) -> Answer:
    """Hands the order to a carrier, once. Raises `InvalidParameter`, `InvalidTransition`."""
    # The lock keeps a cancellation of the order from slipping in between.
    wanted = select(orders.c.customer_id, orders.c.status).where(orders.c.id == new.order_id).with_for_update(read=True)
    order = (await connection.execute(wanted)).first()
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
    return Answer(201, _shipment(created))


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
