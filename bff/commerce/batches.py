"""The one way in which loads fetch rows by id: one call for all keys, one value for each key in its place."""

import re
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

from matapalo import MAX_PAGE, RestClient

T = TypeVar("T")

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_id(text: str) -> bool:
    """Whether a service could have a row with this id. Others are unknown without asking."""
    return _ID.fullmatch(text) is not None


async def rows_by(
    rest: RestClient, path: str, keys: Sequence[str], *, into: type[T], key: str = "id", by: str = "ids"
) -> list[T | None]:
    """For each of ``keys`` the row whose attribute ``key`` equals it, or None. ``by`` is the name of the parameter."""
    ids = [candidate for candidate in keys if is_id(candidate)]
    if not ids:
        return [None] * len(keys)
    key_of: Callable[[T], Any] = attrgetter(key)
    params = {} if by == "ids" else {"limit": MAX_PAGE}
    rows = {key_of(row): row for row in await rest.get_many(path, ids, into=into, by=by, params=params)}
    return [rows.get(wanted) for wanted in keys]
