"""The inventory service: public stock levels; reservations for the order workflow."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, FastAPI, Response

from subgraphs.inventory import store
from subgraphs.inventory.model import NewReservation, Reservation, Stock, StockList
from subgraphs.kit.app import create_app
from subgraphs.kit.call import PUBLIC_BUT_MOVING, CurrentCall, page
from subgraphs.kit.contract_types import Cursor, EmptyBody, Ids, Limit, example_id
from subgraphs.kit.database import Database
from subgraphs.kit.idempotency import IdempotencyKey, run_idempotent
from subgraphs.kit.openapi import reads, writes
from subgraphs.kit.problem import NotFound
from subgraphs.kit.settings import Settings

router = APIRouter(prefix="/api/inventory", tags=["inventory"])
OrderId = Annotated[str, example_id("ord_00001")]
ProductId = Annotated[str, example_id("prod_0001")]


@router.get("", operation_id="listStock", **reads(StockList, public=True))
async def list_stock(call: CurrentCall, ids: Ids, limit: Limit = 20, cursor: Cursor = None) -> Response:
    """Stock by product id. With `ids` (of products), exactly those, and nothing else applies."""
    async with call.database.reads() as connection:
        if ids is not None:
            return call.public(page(await store.by_ids(connection, ids)), cache_control=PUBLIC_BUT_MOVING)
        items, next_cursor = await store.page(connection, limit=limit, cursor=cursor)
    return call.public(page(items, next_cursor), cache_control=PUBLIC_BUT_MOVING)


@router.get("/{product_id}", operation_id="getStock", **reads(Stock, public=True))
async def get_stock(call: CurrentCall, product_id: ProductId) -> Response:
    """The stock of one product."""
    async with call.database.reads() as connection:
        stock = await store.by_ids(connection, (product_id,))
    if not stock:
        raise NotFound(f"There is no stock record of {product_id}.")
    return call.public(stock[0], cache_control=PUBLIC_BUT_MOVING)


@router.post("/reservations", operation_id="reserveStock", **writes(Reservation, status=201, refusals=(409,)))
async def reserve_stock(call: CurrentCall, key: IdempotencyKey, new: NewReservation) -> Response:
    """Holds stock for an order, all of it or none. 409 `out-of-stock` names the items and `shortages`."""
    return await run_idempotent(call, key, partial(store.reserve, new=new))


@router.post("/reservations/{order_id}/release", operation_id="releaseStock", **writes(Reservation))
async def release_stock(
    call: CurrentCall, key: IdempotencyKey, order_id: OrderId, _: EmptyBody | None = None
) -> Response:
    """Gives back what is held for an order. Harmless when nothing is, and then final: it cannot be reserved later."""
    return await run_idempotent(call, key, partial(store.release, order_id=order_id))


def create(settings: Settings, database: Database) -> FastAPI:
    return create_app("inventory", description=__doc__ or "", router=router, settings=settings, database=database)
