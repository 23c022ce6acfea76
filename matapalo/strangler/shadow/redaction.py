"""What of an answer may be kept as a sample: the values of the listed fields, and the shape of everything else. Pure.

A field that is not listed shows its kind instead of its value, for example ``(text)``. Names of fields are kept.
"""

from collections.abc import Collection
from typing import Any

from matapalo.strangler.shadow.difference import Answer

LONGEST_LIST = 3
LONGEST_TEXT = 200


def redacted(answer: Answer, *, keep: Collection[str]) -> Any:
    """The sample: ``{"status": 200, "body": …}``. ``keep`` are paths as `matapalo.strangler.shadow.difference`
    writes them."""
    body = f"({len(answer.body)} bytes)" if isinstance(answer.body, bytes) else _shown(answer.body, "$", keep)
    return {"status": answer.status, "body": body}


def _shown(value: Any, path: str, keep: Collection[str]) -> Any:
    match value:
        case dict():
            return {name: _shown(each, f"{path}.{name}", keep) for name, each in value.items()}
        case list():
            shown = [_shown(each, f"{path}[*]", keep) for each in value[:LONGEST_LIST]]
            return [*shown, f"({len(value) - LONGEST_LIST} more)"] if len(value) > LONGEST_LIST else shown
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
