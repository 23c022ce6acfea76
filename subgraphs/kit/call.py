"""One HTTP call as an endpoint sees it: the caller, the database, and the two ways to respond to a read.

An endpoint takes ``call: CurrentCall`` and returns `call.owned(body)` or `call.public(body)`. Both send the body with a
strong `ETag`, and 304 without a body when the caller already has it (RFC 9110 §13.1.2).
"""

from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request
from starlette.responses import Response
from xxhash import xxh3_64_hexdigest

from subgraphs.kit.database import Database
from subgraphs.kit.identity import Caller
from subgraphs.kit.problem import NotFound

OWNED = "private, no-cache"
PUBLIC = "public, max-age=60"
PUBLIC_BUT_MOVING = "public, no-cache"


def to_json(body: object) -> bytes:
    """The bytes of a response; times are RFC 3339 in UTC, to the second."""
    return orjson.dumps(body, option=orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS)


def etag_of(content: bytes) -> str:
    """A strong validator: equal bytes, equal tag."""
    return f'"{xxh3_64_hexdigest(content)}"'


def has_current(if_none_match: str | None, etag: str) -> bool:
    """Whether the caller's `If-None-Match` covers ``etag`` (weak comparison, as the RFC asks for this header)."""
    if if_none_match is None:
        return False
    tags = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
    return any(tag in (etag, "*") for tag in tags)


@dataclass(frozen=True, slots=True)
class Call:
    """The request in hand. ``operation`` is its operation id in the OpenAPI contract, the same on both sides."""

    request: Request
    caller: Caller
    database: Database

    @property
    def operation(self) -> str:
        return str(self.request.scope["route"].operation_id)

    def owned(self, body: object) -> Response:
        """Data with an owner: never stored by a shared cache."""
        return self._respond(body, OWNED)

    def public(self, body: object, *, cache_control: str = PUBLIC) -> Response:
        """The same for every caller."""
        return self._respond(body, cache_control)

    def _respond(self, body: object, cache_control: str) -> Response:
        content = to_json(body)
        etag = etag_of(content)
        headers = {"etag": etag, "cache-control": cache_control}
        if has_current(self.request.headers.get("if-none-match"), etag):
            return Response(status_code=304, headers=headers)
        return Response(content, media_type="application/json", headers=headers)

    def narrow(self, customer_id: str | None) -> str | None:
        """The customer a list is filtered by: the one requested, or the caller; a foreign one does not exist."""
        if self.caller.staff:
            return customer_id
        if customer_id not in (None, self.caller.owner):
            raise NotFound(f"There is no customer {customer_id}.")
        return self.caller.owner


async def _call(request: Request) -> Call:
    return Call(request, request.state.caller, request.app.state.database)


CurrentCall = Annotated[Call, Depends(_call)]


def page(items: object, next_cursor: str | None = None) -> dict[str, Any]:
    """The envelope of every list."""
    return {"items": items, "next_cursor": next_cursor}
