"""Products in the database."""

from typing import Any

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.kit import cursor as cursors
from subgraphs.migrations.tables import products
from subgraphs.products.model import Product

ROWS = select(products)


async def by_ids(connection: AsyncConnection, ids: tuple[str, ...]) -> list[Product]:
    """Those of ``ids`` that exist, in no particular order."""
    rows = await connection.execute(ROWS.where(products.c.id == func.any(list(ids))))
    return [_product(row) for row in rows]


async def page(
    connection: AsyncConnection, *, search: str | None, category: str | None, limit: int, cursor: str | None
) -> tuple[list[Product], str | None]:
    """Products by id; ``search`` is part of the name, ``category`` its whole name."""
    conditions: list[ColumnElement[bool]] = []
    if search is not None:
        conditions.append(products.c.name.icontains(search, autoescape=True))
    if category is not None:
        conditions.append(products.c.category == category)
    if cursor is not None:
        (after,) = cursors.decode(cursor, str)
        conditions.append(products.c.id > after)
    rows = (await connection.execute(ROWS.where(*conditions).order_by(products.c.id).limit(limit + 1))).all()
    shown, following = cursors.cut(rows, limit, lambda row: cursors.encode(row.id))
    return [_product(row) for row in shown], following


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
