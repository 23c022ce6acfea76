"""`/admin/limits/{subject}` and `/admin/tiers` on a BFF's own port: how somebody's limits stand, forgetting what they
used, and changing the tiers of all processes at run time.

For operators: the token of the request must have the role ``operator``. Never routed at the edge. ``subject`` is that
of a token, or ``ip:`` and an address for anonymous viewers. Limits belong to the tier of a token, which nobody but its
bearer has, so `GET` takes the tier to look with as ``?tier=``. Errors are `application/problem+json` (RFC 9457).
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


class _Refused(Exception):
    """The request is answered with this status."""

    def __init__(self, status: int, slug: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.slug = slug


def limits_router(limiter: Limiter, following: TierReloader, authenticate: Authenticate) -> APIRouter:
    """The routes."""
    admin = _Admin(limiter, following)
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
    """What operators may do. Each takes the request and answers JSON."""

    def __init__(self, limiter: Limiter, following: TierReloader) -> None:
        self._limiter = limiter
        self._following = following

    async def show(self, request: Request) -> Json:
        key = _key(request.path_params["subject"])
        tier = _tier(key, request.query_params.get("tier"))
        states = await self._limiter.state(key, tier)
        return {"subject": key, "tier": tier, "policies": [_as_json(each) for each in states]}

    async def reset(self, request: Request) -> Json:
        key = _key(request.path_params["subject"])
        return {"subject": key, "forgotten": await self._limiter.reset(key)}

    async def set_tiers(self, request: Request) -> Json:
        body = await request.body()
        if len(body) > MAX_TIERS_BYTES:
            raise _Refused(413, "too-large", f"tiers may have {MAX_TIERS_BYTES} bytes")
        try:
            await self._following.change(body.decode())
        except (TiersError, UnicodeDecodeError) as error:
            raise _Refused(422, "invalid-parameter", str(error)) from error
        return {"tiers": "changed"}

    async def default_tiers(self, _request: Request) -> Json:
        await self._following.change(None)
        return {"tiers": "default"}


def _for_operators(
    act: Callable[[Request], Awaitable[Json]], authenticate: Authenticate
) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def answer(request: Request) -> JSONResponse:
        try:
            await _must_be_operator(request, authenticate)
            return JSONResponse(await act(request))
        except StoreUnavailable as error:
            return _problem(_Refused(503, "service-unavailable", f"the limiter's store does not answer: {error}"))
        except _Refused as refused:
            return _problem(refused)

    return answer


async def _must_be_operator(request: Request, authenticate: Authenticate) -> None:
    try:
        viewer = await authenticate(request.headers.get("authorization"))
    except Unauthenticated as error:
        raise _Refused(401, "unauthenticated", error.message) from error
    if viewer.is_anonymous:
        raise _Refused(401, "unauthenticated", "no token was sent")
    if viewer.role != "operator":
        raise _Refused(403, "forbidden", f"this is for the role operator, the token has {viewer.role}")


def _key(subject: str) -> str:
    """The limiter's name of a subject."""
    if subject.startswith("ip:"):
        return f"ip:{address_of(subject.removeprefix('ip:').partition('/')[0])}"
    return f"user:{subject.removeprefix('user:')}"


def _tier(key: str, given: str | None) -> Tier:
    if given is None:
        return "anonymous" if key.startswith("ip:") else "free"
    if given not in TIERS:
        raise _Refused(422, "invalid-parameter", f"tier {given!r} is none of {', '.join(TIERS)}")
    return given


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


def _problem(refused: _Refused) -> JSONResponse:
    body = {"type": f"/problems/{refused.slug}", "title": str(refused), "status": refused.status}
    return JSONResponse(body, status_code=refused.status, media_type="application/problem+json")
