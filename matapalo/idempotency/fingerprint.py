"""Whether two requests ask for the same: SHA-256 over a canonical form of a field's coerced arguments. Pure.

Coerced arguments only: aliases, variable names, the selection and the document's text do not count, so a newer version
of an app may repeat what an older one began. What coercion makes equal is equal (a default and the same value given;
1 and 1.0 for a Float); what it keeps apart is kept apart (absent and null; two Unicode spellings of one text).
The form is JSON with sorted keys (in the spirit of RFC 8785); scalars that JSON has not are their exact text.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from strawberry import UNSET

_VERSION = b"1\0"


def fingerprint(arguments: Mapping[str, Any]) -> str:
    """64 hex characters. Raises ``TypeError`` for an argument of a kind that has no canonical form here."""
    form = json.dumps(_canonical(arguments), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(_VERSION + form.encode("utf-8", "surrogatepass")).hexdigest()


def _canonical(value: Any) -> Any:
    if value is None or (isinstance(value, bool | int) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Mapping):
        return {str(name): _canonical(item) for name, item in value.items() if item is not UNSET}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _canonical({field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    for kind, text in _TEXTS:
        if isinstance(value, kind):
            return text(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _moment(value: datetime) -> str:
    return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat()


# The first that fits: an enum may be a str, a datetime is a date.
_TEXTS: tuple[tuple[type[Any], Callable[[Any], str]], ...] = (
    (Enum, lambda value: value.name),
    (str, str),
    (Decimal, lambda value: format(value.normalize(), "f")),
    (datetime, _moment),
    (date, date.isoformat),
    (time, time.isoformat),
    (UUID, str),
    (bytes, bytes.hex),
)
