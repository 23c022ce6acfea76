"""Errors as `application/problem+json` (RFC 9457), in one place.

{"type": "/problems/<slug>", "title": …, "status": …, "detail": …, "errors": [{"message": …}, …]}

``errors`` has one sentence for each rule that was broken: the thing, its value, and what would be right.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from matapalo.strangler.errors import (
    Forbidden,
    GatewayError,
    InvalidChange,
    InvalidRoutes,
    NotReady,
    PreconditionFailed,
    PreconditionMissing,
    RedisUnavailable,
    RolloutConflict,
    RolloutNotFound,
    RolloutsUnavailable,
    RouteNotFound,
    StoreConflict,
    Unauthenticated,
)


class _Kind(NamedTuple):
    status: int
    slug: str
    title: str


_KINDS: dict[type[GatewayError], _Kind] = {
    Unauthenticated: _Kind(401, "unauthenticated", "Not authenticated"),
    Forbidden: _Kind(403, "forbidden", "Not allowed"),
    RouteNotFound: _Kind(404, "not-found", "Not found"),
    StoreConflict: _Kind(409, "conflict", "The routes were changed meanwhile"),
    NotReady: _Kind(409, "not-ready", "The legacy side is still needed"),
    PreconditionFailed: _Kind(412, "precondition-failed", "The route is not what you last saw"),
    PreconditionMissing: _Kind(428, "precondition-required", "Say what you last saw"),
    InvalidChange: _Kind(422, "invalid-change", "This change breaks rules"),
    InvalidRoutes: _Kind(500, "invalid-routes", "The stored routes are not usable"),
    RolloutNotFound: _Kind(404, "not-found", "Not found"),
    RolloutConflict: _Kind(409, "rollout-conflict", "The rollout is not in a phase for this"),
    RolloutsUnavailable: _Kind(503, "rollouts-unavailable", "Rollouts take no commands just now"),
    RedisUnavailable: _Kind(503, "service-unavailable", "The store of the routes is not available"),
}
_BY_STATUS = {kind.status: kind for kind in reversed(_KINDS.values()) if kind.status != 500} | {
    405: _Kind(405, "method-not-allowed", "This method is not allowed here"),
}


def install(app: FastAPI) -> None:
    async def refused(request: Request, error: Exception) -> JSONResponse:
        kind = next((_KINDS[cls] for cls in type(error).__mro__ if cls in _KINDS), _INTERNAL)
        return problem(kind, str(error), _sentences(error))

    async def not_routed(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 - narrows the type
        kind = _BY_STATUS.get(error.status_code, _Kind(error.status_code, "error", "Error"))
        detail = f"There is nothing at {request.url.path}." if error.status_code == 404 else error.detail
        return problem(kind, detail)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - narrows the type
        sentences = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()]
        return problem(_Kind(422, "invalid-parameter", "A parameter is not valid"), "; ".join(sentences))

    app.add_exception_handler(GatewayError, refused)
    app.add_exception_handler(HTTPException, not_routed)
    app.add_exception_handler(RequestValidationError, invalid)


_INTERNAL = _Kind(500, "internal", "Something is wrong on our side")


def _sentences(error: Exception) -> tuple[str, ...]:
    match error:
        case InvalidRoutes():
            return error.problems
        case NotReady():
            return error.reasons
        case _:
            return ()


def problem(kind: _Kind, detail: str, errors: Sequence[str] = ()) -> JSONResponse:
    body: dict[str, Any] = {
        "type": f"/problems/{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
    }
    if errors:
        body["errors"] = [{"message": sentence} for sentence in errors]
    headers = {"www-authenticate": "Bearer"} if kind.status == 401 else None
    return JSONResponse(body, status_code=kind.status, headers=headers, media_type="application/problem+json")
