"""How failures look to a client: the only place where an exception becomes text.

`BffError` shows its message and code: resolvers and schema extensions raise nothing else on purpose. What graphql-core
says about the client's own input shows as ``BAD_USER_INPUT``, a deadline as ``UPSTREAM_TIMEOUT``. Everything else is a
bug: the client reads ``INTERNAL`` and "Internal error", the log gets the traceback (with the request id,
`matapalo.telemetry.logs`).
Messages are cut at 1 000 characters: some repeat what the client sent.
"""

import logging
from collections.abc import Iterable
from typing import Any

from graphql import FieldNode, GraphQLError

from matapalo.errors import BadUserInput, BffError, DocumentRefused, UpstreamTimeout

_log = logging.getLogger(__name__)
_MAX_MESSAGE = 1_000
_LOGGED_BUGS = 3

Rendered = dict[str, Any]


class MalformedRequest(BadUserInput):
    """The HTTP request is no GraphQL request: its status is sent in every media type."""


class MethodNotAllowed(MalformedRequest, http_status=405):
    """The method does not fit the operation. ``allow`` names those that do, in the form of the header."""

    def __init__(self, message: str, *, allow: str) -> None:
        super().__init__(message)
        self.headers = {"allow": allow}


class NotAcceptable(MalformedRequest, http_status=406):
    """No media type that the client accepts can be produced."""


class UnsupportedMediaType(MalformedRequest, http_status=415):
    """The body is not JSON in UTF-8."""


def cause_of(error: Exception) -> Exception:
    """The exception that a resolver or an extension raised, without the `GraphQLError`s wrapped around it."""
    while isinstance(error, GraphQLError) and error.original_error is not None:
        error = error.original_error
    return error


def as_bff_error(error: Exception) -> BffError | None:
    """``error`` as something a client may read; None for a bug."""
    cause = cause_of(error)
    if isinstance(cause, BffError):
        return cause
    if isinstance(cause, TimeoutError):
        return UpstreamTimeout("The deadline passed before there was a result")
    if isinstance(cause, GraphQLError) and isinstance(error, GraphQLError) and _is_about_input(error):
        return BadUserInput(error.message)
    return None


def render_all(errors: Iterable[Exception]) -> list[Rendered]:
    """The members of ``errors`` for a whole result. Only its first bugs are logged: a list repeats the same one."""
    rendered: list[Rendered] = []
    bugs = 0
    for error in errors:
        bugs += as_bff_error(error) is None
        rendered += render(error, log=bugs <= _LOGGED_BUGS)
    return rendered


def render(error: Exception, *, log: bool = True) -> list[Rendered]:
    """The members of ``errors`` that stand for ``error``, reporting a bug to the log."""
    readable = as_bff_error(error)
    if isinstance(readable, DocumentRefused):
        return [_with_locations(flaw.message, readable.extensions(), flaw.locations) for flaw in readable.flaws]
    if readable is None:
        if log:
            _log.error("a bug, masked as INTERNAL", exc_info=cause_of(error), extra={"path": _path(error)})
        message, extensions = "Internal error", {"code": "INTERNAL"}
    else:
        message, extensions = readable.message, readable.extensions()
    locations = [(place.line, place.column) for place in getattr(error, "locations", None) or ()]
    rendered = _with_locations(message, extensions, locations)
    if path := _path(error):
        rendered["path"] = path
    return [rendered]


def _is_about_input(error: GraphQLError) -> bool:
    """Coercion of variables has no path; coercion of arguments stands at a value, not at a field (whose bugs do)."""
    return error.path is None or not (error.nodes and isinstance(error.nodes[0], FieldNode))


def _path(error: Exception) -> list[str | int] | None:
    return list(error.path) if isinstance(error, GraphQLError) and error.path else None


def _with_locations(message: str, extensions: dict[str, Any], locations: Any) -> Rendered:
    rendered: Rendered = {"message": message if len(message) <= _MAX_MESSAGE else f"{message[:_MAX_MESSAGE]}…"}
    if locations:
        rendered["locations"] = [{"line": line, "column": column} for line, column in locations]
    rendered["extensions"] = extensions
    return rendered
