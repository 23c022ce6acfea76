"""`/api/products` of the monolith."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.kit import pagination
from subgraphs.kit.call import CurrentCall, page
from subgraphs.kit.contract_types import TEXT_PATTERN, Cursor, Ids, Limit, PathId, Search
from subgraphs.kit.problem import NotFound
from subgraphs.legacy.sql import Record, contains, money, record, records

router = APIRouter()


@router.get("/api/products", operation_id="listProducts")
async def list_products(
    call: CurrentCall,
    ids: Ids,
    search: Search = None,
    category: Annotated[str | None, Query(min_length=1, max_length=100, pattern=TEXT_PATTERN)] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    after = pagination.decode(cursor, str)[0] if cursor else ""
    async with call.database.reads() as connection:
        if ids is not None:
            loaded = [await load(connection, one) for one in ids]
            return call.public(page([product for product in loaded if product]))
        keys = await records(
            connection,
            """
            SELECT id FROM products
            WHERE id > :after
              AND (CAST(:search AS text) IS NULL OR name ILIKE :search)
              AND (CAST(:category AS text) IS NULL OR category = :category)
            ORDER BY id LIMIT :limit
            """,
            after=after,
            search=contains(search),
            category=category,
            limit=limit + 1,
        )
        selected, next_cursor = pagination.cut(keys, limit, lambda key: pagination.encode(key["id"]))
        return call.public(page([await load(connection, key["id"]) for key in selected], next_cursor))


@router.get("/api/products/{product_id}", operation_id="getProduct")
async def get_product(call: CurrentCall, product_id: PathId) -> Response:
    async with call.database.reads() as connection:
        product = await load(connection, product_id)
    if product is None:
        raise NotFound(f"There is no product {product_id}.")
    return call.public(product)


async def load(connection: AsyncConnection, product_id: str) -> Record | None:
    """One product, as the API writes it."""
    row = await record(connection, "SELECT * FROM products WHERE id = :id", id=product_id)
    if row is None:
        return None
    return {
        "id": row["id"],
        "name": row["name"],
        "category": row["category"],
        "description": row["description"],
        "price": money(row["price_minor"], row["currency"]),
        "rating": row["rating"],
        "image_url": row["image_url"],
    }
