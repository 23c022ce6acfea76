"""One GraphQL response: from an execution result, or an error, to payload, status, headers and bytes.

Source: GraphQL over HTTP §6.4 (status codes), GraphQL §7.1 (a request error has no ``data``). A result is a request
error when it has no data and each of its errors either has no path (coercion of variables, a refusal by a schema
extension, the deadline) or says that nothing was executed.
"""

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
from graphql import ExecutionResult, GraphQLError
from starlette.types import Send

from matapalo.errors import BffError, Denied, RateLimited, RequestTooLarge
from matapalo.graphql.cors import Cors, Headers
from matapalo.graphql.errors import MalformedRequest, as_bff_error, render, render_all
from matapalo.graphql.negotiation import GRAPHQL_RESPONSE, MediaType
from matapalo.graphql.request import GraphQLRequest

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class GraphQLResponse(NamedTuple):
    """``outcome`` is ``ok`` or the code of the first error; ``is_refusal``: nothing was executed.

    ``status`` is that of `application/graphql-response+json`. ``is_malformed``: it belongs to the HTTP request and not
    to the operation in it, so that every media type has it.
    """

    payload: dict[str, Any]
    outcome: str = "ok"
    status: int = 200
    headers: Mapping[str, str] = _NO_HEADERS
    is_refusal: bool = False
    is_malformed: bool = False

    def status_in(self, media_type: MediaType, *, denial_statuses: bool) -> int:
        """The HTTP status in ``media_type``. ``denial_statuses``: a denial by a limit is 429 in every media type."""
        is_denial = denial_statuses and self.status == RateLimited.http_status
        return self.status if media_type == GRAPHQL_RESPONSE or self.is_malformed or is_denial else 200


def response_to_result(result: ExecutionResult) -> GraphQLResponse:
    """The response to an operation that was executed, or that an extension of the schema refused."""
    payload: dict[str, Any] = {"data": result.data}
    if result.extensions:
        payload["extensions"] = result.extensions
    if not result.errors:
        return GraphQLResponse(payload)
    rendered = render_all(result.errors)
    outcome = rendered[0]["extensions"]["code"]
    if result.data is not None:
        return GraphQLResponse({"errors": rendered, **payload}, outcome)
    if not all(map(_is_refusal, result.errors)):
        return GraphQLResponse({"errors": rendered, **payload}, outcome, headers=_retry_after(result.errors))
    del payload["data"]
    status, headers = _status_of(result.errors[0]), _retry_after(result.errors[:1])
    return GraphQLResponse({"errors": rendered, **payload}, outcome, status, headers, is_refusal=True)


def response_to_error(error: Exception) -> GraphQLResponse:
    """The response to a request that never became an operation."""
    rendered = render(error)
    payload: dict[str, Any] = {"errors": rendered}
    cause = as_bff_error(error)
    headers = _retry_after([error])
    if cause is not None:
        headers = {**headers, **cause.headers}
    if isinstance(cause, Denied) and cause.cost_extension is not None:
        payload["extensions"] = {"cost": cause.cost_extension}
    return GraphQLResponse(
        payload,
        rendered[0]["extensions"]["code"],
        _status_of(error),
        headers,
        is_refusal=True,
        is_malformed=isinstance(error, MalformedRequest | RequestTooLarge),
    )


def http_headers(request: GraphQLRequest, cors: Cors, content_type: bytes, headers: Mapping[str, str]) -> Headers:
    """The headers of an HTTP response, in ASGI's form: those that all have, and ``headers``."""
    return [
        (b"content-type", content_type),
        (b"cache-control", b"no-store"),
        (b"vary", b"Accept, Origin"),
        (b"x-request-id", request.request_id.encode()),
        *cors.headers(request.headers.get(b"origin")),
        *((name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()),
    ]


async def send_response(send: Send, status: int, headers: Headers, body: bytes) -> None:
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def encode(payload: object) -> bytes:
    """JSON in UTF-8. Scalars are serialised by the schema; what still is a Decimal becomes its exact text."""
    return orjson.dumps(payload, default=_text)


def _is_refusal(error: GraphQLError) -> bool:
    if error.path is None:
        return True
    cause = as_bff_error(error)
    return cause is not None and cause.nothing_executed


def _status_of(error: Exception) -> int:
    cause = as_bff_error(error)
    return BffError.http_status if cause is None else cause.http_status


def _retry_after(errors: Iterable[Exception]) -> Mapping[str, str]:
    """The longest wait that one of ``errors`` asks for."""
    causes = [cause for cause in map(as_bff_error, errors) if cause is not None]
    wait_s = max((cause.retry_after_s or 0.0 for cause in causes), default=0.0)
    return {"retry-after": str(max(1, math.ceil(wait_s)))} if wait_s else _NO_HEADERS


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
