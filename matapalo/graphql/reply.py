"""The one response layer: from an execution result, or a failure, to the payload, the status and the bytes.

Source: GraphQL over HTTP §6.4 (status codes), GraphQL §7.1 (a request error has no ``data``). A result is a request
error when it has no data and no error has a path: coercion of variables, a refusal by a schema extension, the deadline;
or when its errors say that nothing ran.
"""

import math
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError

from matapalo.errors import BffError, Denied
from matapalo.graphql import errors
from matapalo.graphql.negotiation import GRAPHQL_RESPONSE, MediaType


@dataclass(slots=True)
class Reply:
    """``status`` is that of `application/graphql-response+json`; ``malformed``: it counts for `application/json`, too.

    ``refusal``: nothing was executed. ``outcome``: ``ok`` or the code of the first error.
    """

    payload: dict[str, Any]
    status: int = 200
    outcome: str = "ok"
    malformed: bool = False
    refusal: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    def status_for(self, media_type: MediaType) -> int:
        """The HTTP status of an answer in ``media_type``."""
        return self.status if media_type == GRAPHQL_RESPONSE or self.malformed else 200


def reply_to(result: ExecutionResult) -> Reply:
    """What an executed operation answers."""
    if not result.errors:
        payload: dict[str, Any] = {"data": result.data}
        if result.extensions:
            payload["extensions"] = result.extensions
        return Reply(payload)
    rendered = errors.render_all(result.errors)
    refusal = result.data is None and all(map(_is_refusal, result.errors))
    payload = {"errors": rendered} if refusal else {"errors": rendered, "data": result.data}
    if result.extensions:
        payload["extensions"] = result.extensions
    reply = Reply(payload, outcome=rendered[0]["extensions"]["code"], refusal=refusal)
    if refusal:
        _carry(reply, result.errors[0])
    elif result.data is None:
        _ask_to_wait(reply, max(map(_wait_s, result.errors)))
    return reply


def reply_to_failure(error: Exception) -> Reply:
    """What a request answers that never became an operation."""
    rendered = errors.render(error)
    reply = Reply({"errors": rendered}, outcome=rendered[0]["extensions"]["code"], refusal=True)
    reply.malformed = errors.is_malformed(error)
    _carry(reply, error)
    denied = errors.cause_of(error)
    if isinstance(denied, Denied):
        reply.headers.update(denied.headers)
        if denied.cost_extension is not None:
            reply.payload["extensions"] = {"cost": denied.cost_extension}
    return reply


def _is_refusal(error: GraphQLError) -> bool:
    if error.path is None:
        return True
    cause = errors.cause_of(error)
    return isinstance(cause, BffError) and cause.nothing_executed


def _carry(reply: Reply, error: Exception) -> None:
    known = errors.translated(error)
    reply.status = 500 if known is None else known.http_status
    _ask_to_wait(reply, _wait_s(error))


def _wait_s(error: Exception) -> float:
    known = errors.translated(error)
    return 0.0 if known is None else known.retry_after_s or 0.0


def _ask_to_wait(reply: Reply, wait_s: float) -> None:
    if wait_s:
        reply.headers["retry-after"] = str(max(1, math.ceil(wait_s)))


def encode(payload: object) -> bytes:
    """JSON in UTF-8. Scalars are serialised by the schema; what still is a Decimal becomes its exact text."""
    return orjson.dumps(payload, default=_text)


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
