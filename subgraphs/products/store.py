"""Products in the database."""

from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.kit.pagination import Collection
from subgraphs.migrations.tables import products
from subgraphs.products.model import Product

PRODUCTS = Collection(products, products.c.id)


async def by_ids(connection: AsyncConnection, ids: tuple[str, ...]) -> list[Product]:
    """Those of ``ids`` that exist, in no particular order."""
    return [_product(row) for row in await PRODUCTS.by_ids(connection, ids)]


async def page(
    connection: AsyncConnection, *, search: str | None, category: str | None, limit: int, cursor: str | None
) -> tuple[list[Product], str | None]:
    """Products by id; ``search`` is part of the name, ``category`` its whole name."""
    conditions = [] if category is None else [products.c.category == category]
    if search is not None:
        conditions.append(products.c.name.icontains(search, autoescape=True))
    rows, next_cursor = await PRODUCTS.page(connection, *conditions, limit=limit, cursor=cursor)
    return [_product(row) for row in rows], next_cursor


def _product(row: Row[Any]) -> Product:
    return {
        "id": row.id,
        "name": row.name,
        "category": row.category,
        "description": row.description,
        "price": {"amount_minor": row.price_minor, "currency": row.currency},
        "rating": row.rating,
        "image_url": row.image_url,
    }
