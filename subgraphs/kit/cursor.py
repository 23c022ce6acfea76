"""Cursor pagination: the sort key of the last row shown, as opaque text.

A page is read with `limit + 1` rows: one more than asked tells whether there is a next page without counting. Rows
inserted or removed meanwhile never shift a page (keyset, not offset). A cursor carries no filter and no secret;
it is checked for shape, and a broken one is the caller's error (`InvalidParameter`).
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson

from subgraphs.kit.problem import InvalidParameter

Row = TypeVar("Row")


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


def cut(rows: Sequence[Row], limit: int, key: Callable[[Row], str]) -> tuple[Sequence[Row], str | None]:
    """The page and the next cursor, from up to ``limit + 1`` rows; ``key`` makes the cursor of a row."""
    if len(rows) <= limit:
        return rows, None
    page = rows[:limit]
    return page, key(page[-1])
