"""What of a response may be kept as a sample: the values of the listed fields, and the shape of everything else. Pure.

A field that is not listed shows its kind instead of its value, for example ``(text)``. Names of fields are kept.
"""

from collections.abc import Collection
from typing import Any

from matapalo.strangler.shadow.difference import SideResponse

LONGEST_LIST = 3
LONGEST_TEXT = 200


def redacted(response: SideResponse, *, keep: Collection[str]) -> Any:
    """The sample: ``{"status": 200, "body": …}``. ``keep`` are paths as `matapalo.strangler.shadow.difference`
    writes them."""
    body = f"({len(response.body)} bytes)" if isinstance(response.body, bytes) else _redacted(response.body, "$", keep)
    return {"status": response.status, "body": body}


def _redacted(value: Any, path: str, keep: Collection[str]) -> Any:
    match value:
        case dict():
            return {name: _redacted(member, f"{path}.{name}", keep) for name, member in value.items()}
        case list():
            items = [_redacted(item, f"{path}[*]", keep) for item in value[:LONGEST_LIST]]
            return [*items, f"({len(value) - LONGEST_LIST} more)"] if len(value) > LONGEST_LIST else items
        case _ if path in keep:
            return value[:LONGEST_TEXT] if isinstance(value, str) else value
        case None:
            return "(null)"
        case bool():
            return "(true or false)"
        case int() | float():
            return "(number)"
        case _:
            return "(text)"
