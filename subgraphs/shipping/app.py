"""The shipping service: a customer sees their own parcels; staff send them."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, FastAPI, Response

from subgraphs.kit.app import create_app
from subgraphs.kit.call import CurrentCall, page
from subgraphs.kit.contract_types import Cursor, CustomerFilter, Ids, Limit, OrderIds, example_id
from subgraphs.kit.database import Database
from subgraphs.kit.idempotency import IdempotencyKey, run_idempotent
from subgraphs.kit.openapi import reads, writes
from subgraphs.kit.problem import NotFound
from subgraphs.kit.settings import Settings
from subgraphs.shipping import store
from subgraphs.shipping.model import NewShipment, Shipment, ShipmentList

router = APIRouter(prefix="/api/shipping", tags=["shipping"])
ShipmentId = Annotated[str, example_id("ship_00001")]


@router.get("", operation_id="listShipments", **reads(ShipmentList))
async def list_shipments(
    call: CurrentCall,
    ids: Ids,
    order_ids: OrderIds,
    customer_id: CustomerFilter = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Shipments, newest first. With `ids`, exactly those, and nothing else applies."""
    owner = call.narrow(customer_id)
    async with call.database.reads() as connection:
        if ids is not None:
            return call.owned(page(await store.by_ids(connection, ids, owner=call.narrow(None))))
        items, next_cursor = await store.page(
            connection, customer_id=owner, order_ids=order_ids, limit=limit, cursor=cursor
        )
    return call.owned(page(items, next_cursor))


@router.get("/{shipment_id}", operation_id="getShipment", **reads(Shipment))
async def get_shipment(call: CurrentCall, shipment_id: ShipmentId) -> Response:
    """A shipment, when it belongs to the caller."""
    async with call.database.reads() as connection:
        shipments = await store.by_ids(connection, (shipment_id,), owner=call.narrow(None))
    if not shipments:
        raise NotFound(f"There is no shipment {shipment_id}.")
    return call.owned(shipments[0])


@router.post("", operation_id="createShipment", **writes(Shipment, status=201, refusals=(409,)))
async def create_shipment(call: CurrentCall, key: IdempotencyKey, new: NewShipment) -> Response:
    """Hands an order to a carrier."""
    return await run_idempotent(call, key, partial(store.create, new=new))


@router.post("/{shipment_id}/deliver", operation_id="deliverShipment", **writes(Shipment, refusals=(404,)))
async def deliver_shipment(call: CurrentCall, key: IdempotencyKey, shipment_id: ShipmentId) -> Response:
    """Moves a shipment from IN_TRANSIT to DELIVERED; one that is delivered stays as it is."""
    return await run_idempotent(call, key, partial(store.deliver, shipment_id=shipment_id))


def create(settings: Settings, database: Database) -> FastAPI:
    return create_app("shipping", description=__doc__ or "", router=router, settings=settings, database=database)
