"""`If-Match` (RFC 9110 §13.1.1): a write says which revision of the route its author saw.

The ETag of a route is the table's version that changed it last: a change of one route never outdates what was
read of another.
"""

import re
from typing import Annotated, TypeAlias

from fastapi import Header, Response

from matapalo.strangler.api.schemas import ChangeView
from matapalo.strangler.errors import PreconditionFailed, PreconditionMissing
from matapalo.strangler.routing.change import Change

_ETAG = re.compile(r'"(\d{1,15})"')

IfMatch: TypeAlias = Annotated[
    str | None, Header(alias="If-Match", description='The route\'s ETag, such as `"7"`; `*` is whatever it is now.')
]


def etag(revision: int) -> str:
    return f'"{revision}"'


def required_revision(if_match: str | None) -> int | None:
    """The revision that a write was made from; None for `*`. Raises PreconditionMissing, PreconditionFailed."""
    if if_match is None:
        raise PreconditionMissing(
            "say which revision of the route you saw: GET it, and send its ETag as If-Match (or * for whatever it is)"
        )
    return optional_revision(if_match)


def optional_revision(if_match: str | None) -> int | None:
    """The same where the header may be left out."""
    if if_match is None or if_match.strip() == "*":
        return None
    matched = _ETAG.fullmatch(if_match.strip())
    if matched is None:
        raise PreconditionFailed(f"If-Match is {if_match!r}, which is no ETag of a route: GET it and send its ETag")
    return int(matched[1])


def tagged_change(response: Response, change: Change) -> ChangeView:
    """What a write responds with: the change, and the ETag for the next one."""
    response.headers["etag"] = etag(change.version)
    return ChangeView.of(change)
