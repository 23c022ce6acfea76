"""How the monolith talks to the database: text in, dictionaries out, one row at a time if need be."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

Record = dict[str, Any]


async def records(connection: AsyncConnection, statement: str, **parameters: object) -> list[Record]:
    """Every row of a query."""
    return [dict(row) for row in (await connection.execute(text(statement), parameters)).mappings()]


async def record(connection: AsyncConnection, statement: str, **parameters: object) -> Record | None:
    """The first row of a query, if any."""
    return next(iter(await records(connection, statement, **parameters)), None)


async def run(connection: AsyncConnection, statement: str, **parameters: object) -> int:
    """A statement without rows; returns how many it touched."""
    return int((await connection.execute(text(statement), parameters)).rowcount)


def money(minor: int, currency: str) -> Record:
    """Money as the API writes it."""
    return {"amount_minor": minor, "currency": currency}


def contains(search: str | None) -> str | None:
    """A LIKE pattern for text that contains ``search``, whatever is in it."""
    if search is None:
        return None
    escaped = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
