"""`/api/shipping` of the monolith."""

import uuid
from datetime import datetime
from functools import partial

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.kit import pagination
from subgraphs.kit.call import CurrentCall, page
from subgraphs.kit.contract_types import Cursor, CustomerFilter, Ids, Limit, OrderIds, PathId
from subgraphs.kit.idempotency import IdempotencyKey, Result, run_idempotent
from subgraphs.kit.problem import InvalidParameter, InvalidTransition, NotFound
from subgraphs.legacy.bodies import ShipmentBody
from subgraphs.legacy.sql import Record, record, records, run

router = APIRouter()


@router.get("/api/shipping", operation_id="listShipments")
async def list_shipments(
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
            return call.owned(page([s for s in loaded if s and call.caller.may_see(s["customer_id"])]))
        keys = await records(
            connection,
            """
            SELECT id, shipped_at FROM shipments
            WHERE (CAST(:customer_id AS text) IS NULL OR customer_id = :customer_id)
              AND (CAST(:order_ids AS text[]) IS NULL OR order_id = ANY(CAST(:order_ids AS text[])))
              AND (CAST(:before_at AS timestamptz) IS NULL
                   OR (shipped_at, id) < (:before_at, CAST(:before_id AS text)))
            ORDER BY shipped_at DESC, id DESC LIMIT :limit
            """,
            customer_id=customer_id,
            order_ids=None if order_ids is None else list(order_ids),
            before_at=before_at,
            before_id=before_id,
            limit=limit + 1,
        )
        selected, next_cursor = pagination.cut(keys, limit, lambda key: pagination.encode(key["shipped_at"], key["id"]))
        return call.owned(page([await load(connection, key["id"]) for key in selected], next_cursor))


@router.get("/api/shipping/{shipment_id}", operation_id="getShipment")
async def get_shipment(call: CurrentCall, shipment_id: PathId) -> Response:
    async with call.database.reads() as connection:
        shipment = await load(connection, shipment_id)
    if shipment is None or not call.caller.may_see(shipment["customer_id"]):
        raise NotFound(f"There is no shipment {shipment_id}.")
    return call.owned(shipment)


@router.post("/api/shipping", operation_id="createShipment")
async def create_shipment(call: CurrentCall, key: IdempotencyKey, body: ShipmentBody) -> Response:
    return await run_idempotent(call, key, partial(send, body=body))


@router.post("/api/shipping/{shipment_id}/deliver", operation_id="deliverShipment")
async def deliver_shipment(call: CurrentCall, key: IdempotencyKey, shipment_id: PathId) -> Response:
    return await run_idempotent(call, key, partial(deliver, shipment_id=shipment_id))


async def load(connection: AsyncConnection, shipment_id: str) -> Record | None:
    """One shipment, as the API writes it."""
    return await record(
        connection,
        """
        SELECT id, order_id, customer_id, carrier, tracking_number, tracking_url, status, shipped_at
        FROM shipments WHERE id = :id
        """,
        id=shipment_id,
    )


async def send(connection: AsyncConnection, body: ShipmentBody) -> Result:
    order = await record(connection, "SELECT * FROM orders WHERE id = :id FOR SHARE", id=body.order_id)
    if order is None:
        raise InvalidParameter.field("order_id", body.order_id, "there is no such order")
    if order["customer_id"] != body.customer_id:
        raise InvalidParameter.field("customer_id", body.customer_id, "the order is not theirs")
    if order["status"] == "CANCELLED":
        raise InvalidTransition(f"Order {body.order_id} was cancelled; it cannot be sent.")
    shipment_id = f"ship_{uuid.uuid4().hex[:16]}"
    tracking = f"LG{uuid.uuid4().int % 10**11:011}"  # the monolith has a carrier of its own
    sent = await run(
        connection,
        """
        INSERT INTO shipments
            (id, order_id, customer_id, carrier, tracking_number, tracking_url, status, shipped_at)
        VALUES (:id, :order_id, :customer_id, 'Posta', :tracking, :url, 'IN_TRANSIT', date_trunc('second', now()))
        ON CONFLICT (order_id) DO NOTHING
        """,
        id=shipment_id,
        order_id=body.order_id,
        customer_id=body.customer_id,
        tracking=tracking,
        url=f"https://track.example.com/posta/{tracking}",
    )
    if not sent:
        raise InvalidTransition(f"Order {body.order_id} has been sent already.")
    shipment = await load(connection, shipment_id)
    assert shipment is not None  # noqa: S101  # written a moment ago in this transaction
    return Result(201, shipment)


async def deliver(connection: AsyncConnection, shipment_id: str) -> Result:
    await run(connection, "UPDATE shipments SET status = 'DELIVERED' WHERE id = :id", id=shipment_id)
    shipment = await load(connection, shipment_id)
    if shipment is None:
        raise NotFound(f"There is no shipment {shipment_id}.")
    return Result(200, shipment)
