"""Writes that happen once however often they are sent.

One table, `idempotency`, for legacy and services alike, so that a retry may land on either side of a route. A row is
(operation, key) → fingerprint of the request, status and body of the response, inserted **first** in the transaction of
the effect itself. A concurrent duplicate therefore waits on the unique index until the first one commits (then it
responds the same) or rolls back (then it runs). The response and its effect are durable together or not at all.

A refusal (402, 404, 409, 422) rolls everything back, the row included: nothing was done, so a repeat is judged anew.
Stock may have come in since, and the same key may succeed then. Callers that need the first refusal must keep it.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Header
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from subgraphs.kit.call import Call, to_json
from subgraphs.kit.problem import IdempotencyKeyReused
from subgraphs.migrations.tables import idempotency

KEY_PATTERN = r"^[\x21-\x7e]{1,255}$"

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=KEY_PATTERN,
        description="1 to 255 visible ASCII characters. A repeat gets the same response, another request 422.",
    ),
]


@dataclass(frozen=True, slots=True)
class Result:
    """Status and body of what an effect did."""

    status: int
    body: Mapping[str, Any]


Effect = Callable[[AsyncConnection], Awaitable[Result]]


def fingerprint(path: str, content: bytes) -> bytes:
    """Equal for requests that mean the same: the path, and the JSON of the body whatever its spacing and order."""
    body = orjson.loads(content) if content else None
    canonical = orjson.dumps([path, body], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).digest()


async def run_idempotent(call: Call, key: str, effect: Effect) -> Response:
    """Runs ``effect`` and responds with its result, or repeats the stored response. Raises `IdempotencyKeyReused`."""
    request_fingerprint = fingerprint(call.request.url.path, await call.request.body())
    this = (idempotency.c.operation == call.operation) & (idempotency.c.key == key)
    async with call.database.writes() as connection:
        claim = insert(idempotency).values(operation=call.operation, key=key, fingerprint=request_fingerprint)
        claimed = await connection.execute(claim.on_conflict_do_nothing().returning(idempotency.c.key))
        if claimed.first() is None:
            row = (await connection.execute(select(idempotency).where(this))).one()
            if row.fingerprint != request_fingerprint:
                raise IdempotencyKeyReused("This Idempotency-Key was used for another request.")
            return _response(row.status, row.body, {"idempotency-replayed": "true"})
        result = await effect(connection)
        content = to_json(result.body)
        await connection.execute(update(idempotency).where(this).values(status=result.status, body=content))
    return _response(result.status, content, {})


def was_replayed(response: Response) -> bool:
    """Whether ``response`` of `run_idempotent` repeats an earlier response."""
    return "idempotency-replayed" in response.headers


def _response(status: int, content: bytes, headers: Mapping[str, str]) -> Response:
    return Response(
        content, status_code=status, media_type="application/json", headers={"cache-control": "no-store", **headers}
    )
