"""Customers in the database. ``owner`` limits what exists to one customer; `None` hides nothing."""

from typing import Any

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.customers.model import Customer
from subgraphs.kit import cursor as cursors
from subgraphs.migrations.tables import customers

ROWS = select(customers)


async def by_id(connection: AsyncConnection, customer_id: str, *, owner: str | None) -> Customer | None:
    """The customer, when there is one that ``owner`` may see."""
    found = await by_ids(connection, (customer_id,), owner=owner)
    return found[0] if found else None


async def by_ids(connection: AsyncConnection, ids: tuple[str, ...], *, owner: str | None) -> list[Customer]:
    """Those of ``ids`` that exist, in no particular order."""
    wanted = ids if owner is None else tuple(one for one in ids if one == owner)
    rows = await connection.execute(ROWS.where(customers.c.id == func.any(list(wanted))))
    return [_customer(row) for row in rows]


async def page(
    connection: AsyncConnection,
    *,
    owner: str | None,
    email: str | None,
    search: str | None,
    limit: int,
    cursor: str | None,
) -> tuple[list[Customer], str | None]:
    """Customers by id; ``email`` is compared without case, ``search`` is part of the name or the e-mail."""
    conditions: list[ColumnElement[bool]] = []
    if owner is not None:
        conditions.append(customers.c.id == owner)
    if email is not None:
        conditions.append(func.lower(customers.c.email) == email.lower())
    if search is not None:
        matches = (column.icontains(search, autoescape=True) for column in (customers.c.name, customers.c.email))
        conditions.append(next(matches) | next(matches))
    if cursor is not None:
        (after,) = cursors.decode(cursor, str)
        conditions.append(customers.c.id > after)
    rows = (await connection.execute(ROWS.where(*conditions).order_by(customers.c.id).limit(limit + 1))).all()
    shown, following = cursors.cut(rows, limit, lambda row: cursors.encode(row.id))
    return [_customer(row) for row in shown], following


def _customer(row: Row[Any]) -> Customer:
    return {
        "id": row.id,
        "name": row.name,
        "email": row.email,
        "phone": row.phone,
        "address": row.address,
        "preferences": row.preferences,
        "member_since": row.member_since,
        "loyalty_points": row.loyalty_points,
        "avatar_url": row.avatar_url,
    }
