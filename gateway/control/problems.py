"""Errors as `application/problem+json` (RFC 9457), in one place.

{"type": "/problems/<slug>", "title": …, "status": …, "detail": …}
"""

from typing import NamedTuple

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from gateway.errors import (
    Forbidden,
    GatewayError,
    InvalidRoutes,
    RouteNotFound,
    StoreConflict,
    StoreUnavailable,
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
    StoreConflict: _Kind(409, "conflict", "Somebody else was faster"),
    InvalidRoutes: _Kind(500, "invalid-routes", "The stored routes are not usable"),
    StoreUnavailable: _Kind(503, "service-unavailable", "The store of the routes does not answer"),
}
_BY_STATUS = {kind.status: kind for kind in _KINDS.values() if kind.status != 500} | {
    405: _Kind(405, "method-not-allowed", "This method is not allowed here"),
}


def install(app: FastAPI) -> None:
    """Makes every error of the app a problem."""

    async def refused(request: Request, error: Exception) -> JSONResponse:
        return problem(_KINDS.get(type(error), _INTERNAL), str(error))  # type: ignore[arg-type]

    async def not_routed(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 - narrows the type
        kind = _BY_STATUS.get(error.status_code, _Kind(error.status_code, "error", "Error"))
        detail = f"There is nothing at {request.url.path}." if error.status_code == 404 else error.detail
        return problem(kind, detail)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - narrows the type
        sentences = [f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors()]
        return problem(_Kind(422, "invalid-parameter", "A parameter is not valid"), "; ".join(sentences))

    app.add_exception_handler(GatewayError, refused)
    app.add_exception_handler(HTTPException, not_routed)
    app.add_exception_handler(RequestValidationError, invalid)


_INTERNAL = _Kind(500, "internal", "Something is wrong on our side")


def problem(kind: _Kind, detail: str) -> JSONResponse:
    """The response."""
    body = {"type": f"/problems/{kind.slug}", "title": kind.title, "status": kind.status, "detail": detail}
    headers = {"www-authenticate": "Bearer"} if kind.status == 401 else None
    return JSONResponse(body, status_code=kind.status, headers=headers, media_type="application/problem+json")
