"""Keyset pagination: a page continues after the sort key of the last row before it, the cursor, as opaque text.

A page is read with `limit + 1` rows: the surplus row tells whether there is a next page without counting. Rows
inserted or removed meanwhile never shift a page, as they would an offset. A cursor carries no filter and no secret;
it is checked for shape, and a broken one is the caller's error (`InvalidParameter`).
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson
from sqlalchemy import Column, ColumnElement, Row, Table, UnaryExpression, and_, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.kit.problem import InvalidParameter

T = TypeVar("T")
Order = Column[Any] | UnaryExpression[Any]
"""A column, ascending, or `column.desc()`."""


class Collection:
    """A table as lists show it: by ids, or page by page in ``order``, whose columns are unique together.

    ``owner`` is the column with the customer a row belongs to, if any; the last column of ``order`` is the id.
    """

    def __init__(self, table: Table, *order: Order, owner: Column[Any] | None = None) -> None:
        self.rows = select(table)
        self.order = order
        self._keys = [term.element if isinstance(term, UnaryExpression) else term for term in order]
        self._descending = [isinstance(term, UnaryExpression) for term in order]
        self._owner = owner

    async def by_ids(
        self, connection: AsyncConnection, ids: Sequence[str], *, owner: str | None = None
    ) -> Sequence[Row[Any]]:
        """Those rows with ``ids`` that exist, in no particular order; with ``owner``, only those of that customer."""
        query = self.rows.where(self._keys[-1] == func.any(list(ids)))
        if owner is not None and self._owner is not None:
            query = query.where(self._owner == owner)
        return (await connection.execute(query)).all()

    async def page(
        self, connection: AsyncConnection, *conditions: ColumnElement[bool], limit: int, cursor: str | None
    ) -> tuple[Sequence[Row[Any]], str | None]:
        """The rows after ``cursor`` that meet ``conditions``, and the next cursor."""
        query = self.rows.where(*conditions).order_by(*self.order).limit(limit + 1)
        if cursor is not None:
            query = query.where(self._after(decode(cursor, *(key.type.python_type for key in self._keys))))
        return self.cut((await connection.execute(query)).all(), limit)

    def cut(self, rows: Sequence[Row[Any]], limit: int) -> tuple[Sequence[Row[Any]], str | None]:
        """The page and the next cursor, from up to ``limit + 1`` rows in order."""
        return cut(rows, limit, lambda row: encode(*(getattr(row, key.name) for key in self._keys)))

    def _after(self, values: tuple[Any, ...]) -> ColumnElement[bool]:
        if len(set(self._descending)) == 1:  # one comparison of rows, which PostgreSQL answers from one index range
            keys, bound = tuple_(*self._keys), tuple_(*values)
            return keys < bound if self._descending[0] else keys > bound
        steps = zip(self._keys, self._descending, values, strict=True)
        equal: list[ColumnElement[bool]] = []
        alternatives: list[ColumnElement[bool]] = []
        for key, descending, value in steps:
            alternatives.append(and_(*equal, key < value if descending else key > value))
            equal.append(key == value)
        return or_(*alternatives)


def encode(*key: str | float | datetime) -> str:
    """The sort key of a row as a cursor."""
    return urlsafe_b64encode(orjson.dumps(key)).rstrip(b"=").decode()


def decode(cursor: str, *kinds: type[str] | type[float] | type[datetime]) -> tuple[Any, ...]:
    """The sort key in ``cursor``, one value for each of ``kinds``; `InvalidParameter` when it is not one of ours."""
    try:
        values = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return tuple(_value(kind, value) for kind, value in zip(kinds, values, strict=True))
    except (ValueError, TypeError, OverflowError):
        raise InvalidParameter.field("cursor", cursor, "is not a cursor of this list") from None


def _value(kind: type, value: Any) -> Any:
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if kind is str and isinstance(value, str) and value.isprintable():
        return value
    raise ValueError(value)


def cut(rows: Sequence[T], limit: int, key: Callable[[T], str]) -> tuple[Sequence[T], str | None]:
    """The page and the next cursor, from up to ``limit + 1`` rows; ``key`` makes the cursor of a row."""
    if len(rows) <= limit:
        return rows, None
    page = rows[:limit]
    return page, key(page[-1])
