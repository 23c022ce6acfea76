"""`application/problem+json` (RFC 9457), read in one place. Whatever a service sends, this returns a `Problem`."""

from typing import Any

import msgspec

from matapalo.errors import Problem
from matapalo.rest.transport import RestResponse

_STANDARD = frozenset({"type", "title", "status", "detail"})


def problem_of(response: RestResponse) -> Problem:
    """What ``response`` says is wrong; slug ``unknown`` when it is no problem document."""
    members = _members(response)
    slug = _text(members, "type").rstrip("/").rpartition("/")[2]
    return Problem(
        status=response.status,
        slug=slug or "unknown",
        title=_text(members, "title") or f"HTTP {response.status}",
        detail=_text(members, "detail"),
        members={name: value for name, value in members.items() if name not in _STANDARD},
    )


def _members(response: RestResponse) -> dict[str, Any]:
    if not response.content_type.startswith("application/problem+json"):
        return {}
    try:
        decoded = msgspec.json.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _text(members: dict[str, Any], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""
