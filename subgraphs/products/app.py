"""The products service: public, read only."""

from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Response

from subgraphs.kit.app import create_app
from subgraphs.kit.call import CurrentCall, page
from subgraphs.kit.contract_types import TEXT_PATTERN, Cursor, Ids, Limit, Search, example_id
from subgraphs.kit.database import Database
from subgraphs.kit.openapi import reads
from subgraphs.kit.problem import NotFound
from subgraphs.kit.settings import Settings
from subgraphs.products import store
from subgraphs.products.model import Product, ProductList

router = APIRouter(prefix="/api/products", tags=["products"])
ProductId = Annotated[str, example_id("prod_0001")]


@router.get("", operation_id="listProducts", **reads(ProductList, public=True))
async def list_products(
    call: CurrentCall,
    ids: Ids,
    search: Search = None,
    category: Annotated[str | None, Query(min_length=1, max_length=100, pattern=TEXT_PATTERN)] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Products by id. With `ids`, exactly those, and nothing else applies."""
    async with call.database.reads() as connection:
        if ids is not None:
            return call.public(page(await store.by_ids(connection, ids)))
        items, next_cursor = await store.page(connection, search=search, category=category, limit=limit, cursor=cursor)
    return call.public(page(items, next_cursor))


@router.get("/{product_id}", operation_id="getProduct", **reads(Product, public=True))
async def get_product(call: CurrentCall, product_id: ProductId) -> Response:
    """A product by its id."""
    async with call.database.reads() as connection:
        products = await store.by_ids(connection, (product_id,))
    if not products:
        raise NotFound(f"There is no product {product_id}.")
    return call.public(products[0])


def create(settings: Settings, database: Database) -> FastAPI:
    return create_app("products", description=__doc__ or "", router=router, settings=settings, database=database)
