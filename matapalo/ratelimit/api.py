"""`/admin/limits/{subject}` and `/admin/tiers` on a BFF's own port: show and reset the limits of a subject, and change
the tiers of all processes at run time.

For operators: the token of the request must have the role ``operator``. Never routed at the edge. ``subject`` is that
of a token, or ``ip:`` and an address for anonymous viewers. Limits belong to the tier of a token, which only its bearer
has, so `GET` takes the tier to look with as ``?tier=``. Errors are `application/problem+json` (RFC 9457).
"""

from collections.abc import Awaitable, Callable
from typing import Any, get_args

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from matapalo.auth.viewer import Tier, Viewer
from matapalo.errors import Unauthenticated
from matapalo.ratelimit.limiter import Limiter
from matapalo.ratelimit.rules.policy import PolicyState
from matapalo.ratelimit.rules.subject import address_of
from matapalo.ratelimit.store.ports import StoreUnavailable
from matapalo.ratelimit.tier_reloader import TierReloader
from matapalo.ratelimit.tiers import TiersError

TIERS: tuple[Tier, ...] = get_args(Tier)
MAX_TIERS_BYTES = 100_000

Json = dict[str, Any]
Authenticate = Callable[[str | None], Awaitable[Viewer]]
"""From the header ``Authorization`` to the viewer. Raises `Unauthenticated`."""


class _Problem(Exception):
    """The response is a problem with this status."""

    def __init__(self, status: int, slug: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.slug = slug


def limits_router(limiter: Limiter, tier_reloader: TierReloader, authenticate: Authenticate) -> APIRouter:
    """The routes that operators use, for the application to include."""
    admin = _Admin(limiter, tier_reloader)
    router = APIRouter()
    for method, path, act in (
        ("GET", "/admin/limits/{subject:path}", admin.show),
        ("DELETE", "/admin/limits/{subject:path}", admin.reset),
        ("PUT", "/admin/tiers", admin.set_tiers),
        ("DELETE", "/admin/tiers", admin.default_tiers),
    ):
        router.add_api_route(path, _for_operators(act, authenticate), methods=[method], response_model=None)
    return router


class _Admin:
    """What operators may do. Each takes the request and returns JSON."""

    def __init__(self, limiter: Limiter, tier_reloader: TierReloader) -> None:
        self._limiter = limiter
        self._tier_reloader = tier_reloader

    async def show(self, request: Request) -> Json:
        subject = _subject(request.path_params["subject"])
        tier = _tier(subject, request.query_params.get("tier"))
        states = await self._limiter.state(subject, tier)
        return {"subject": subject, "tier": tier, "policies": [_as_json(state) for state in states]}

    async def reset(self, request: Request) -> Json:
        subject = _subject(request.path_params["subject"])
        return {"subject": subject, "forgotten": await self._limiter.reset(subject)}

    async def set_tiers(self, request: Request) -> Json:
        body = await request.body()
        if len(body) > MAX_TIERS_BYTES:
            raise _Problem(413, "too-large", f"tiers may have {MAX_TIERS_BYTES} bytes")
        try:
            await self._tier_reloader.change(body.decode())
        except (TiersError, UnicodeDecodeError) as error:
            raise _Problem(422, "invalid-parameter", str(error)) from error
        return {"tiers": "changed"}

    async def default_tiers(self, _request: Request) -> Json:
        await self._tier_reloader.change(None)
        return {"tiers": "default"}


def _for_operators(
    act: Callable[[Request], Awaitable[Json]], authenticate: Authenticate
) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def handle(request: Request) -> JSONResponse:
        try:
            await _must_be_operator(request, authenticate)
            return JSONResponse(await act(request))
        except StoreUnavailable as error:
            return _response(_Problem(503, "service-unavailable", f"the limiter's store is unavailable: {error}"))
        except _Problem as problem:
            return _response(problem)

    return handle


async def _must_be_operator(request: Request, authenticate: Authenticate) -> None:
    try:
        viewer = await authenticate(request.headers.get("authorization"))
    except Unauthenticated as error:
        raise _Problem(401, "unauthenticated", error.message) from error
    if viewer.is_anonymous:
        raise _Problem(401, "unauthenticated", "no token was sent")
    if viewer.role != "operator":
        raise _Problem(403, "forbidden", f"this is for the role operator, the token has {viewer.role}")


def _subject(subject: str) -> str:
    """With its name space, as the limiter takes it."""
    if subject.startswith("ip:"):
        return f"ip:{address_of(subject.removeprefix('ip:').partition('/')[0])}"
    return f"user:{subject.removeprefix('user:')}"


def _tier(subject: str, name: str | None) -> Tier:
    if name is None:
        return "anonymous" if subject.startswith("ip:") else "free"
    if name not in TIERS:
        raise _Problem(422, "invalid-parameter", f"tier {name!r} is none of {', '.join(TIERS)}")
    return name


def _as_json(state: PolicyState) -> dict[str, Any]:
    return {
        "name": state.name,
        "unit": state.unit,
        "limit": state.limit,
        "window_s": state.window_s,
        "used": state.limit - state.remaining,
        "remaining": state.remaining,
        "reset_s": round(state.reset_s, 3),
        "restore_per_s": state.restore_per_s,
        "shadow": state.shadow,
    }


def _response(problem: _Problem) -> JSONResponse:
    body = {"type": f"/problems/{problem.slug}", "title": str(problem), "status": problem.status}
    return JSONResponse(body, status_code=problem.status, media_type="application/problem+json")
