"""The pages of somebody who is signed in, and the stream that keeps them current."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from matapalo.auth.verifier import TokenVerifier
from matapalo.strangler.console.assets import Assets
from matapalo.strangler.console.forms import Failure
from matapalo.strangler.console.login_codes import Codes
from matapalo.strangler.console.ports import Sources
from matapalo.strangler.console.rendering import Rendering
from matapalo.strangler.console.session import PATH, Session, session_of, token_of
from matapalo.strangler.console.snapshot import Reader
from matapalo.strangler.console.stream import EVERY_S, stream
from matapalo.strangler.console.views import WINDOWS_IN_TABLE, Kind, View, prefixes_of, see
from matapalo.strangler.errors import Forbidden, GatewayError, RouteNotFound, Unauthenticated

Handler: TypeAlias = Callable[[Request, Session], Awaitable[Response]]


@dataclass(frozen=True)
class Console:
    """What the handlers share."""

    sources: Sources
    reader: Reader
    rendering: Rendering
    assets: Assets
    verifier: TokenVerifier
    codes: Codes
    every_s: float = EVERY_S


def routes(console: Console) -> list[BaseRoute]:
    """Everything that is read."""

    def page(kind: Kind) -> Handler:
        async def show(request: Request, session: Session) -> Response:
            view = View.of(kind, request.path_params.get("name", ""), request.query_params.get("minutes", ""))
            return await show_view(console, request, session, view)

        return show

    async def live(request: Request) -> Response:
        try:
            await session_of(request, console.verifier)
            query = request.query_params
            view = View.of(query.get("view", ""), query.get("route", ""), query.get("minutes", ""))
        except (Unauthenticated, Forbidden) as error:
            return Response(str(error), status_code=401, media_type="text/plain")
        except ValueError:
            return Response("There is no such view.", status_code=404, media_type="text/plain")
        return stream(
            view,
            token_of(request),
            reader=console.reader,
            verifier=console.verifier,
            every_s=console.every_s,
        )

    addresses = {
        PATH: Kind.ROUTES,
        f"{PATH}/routes/{{name}}": Kind.ROUTE,
        f"{PATH}/rollouts": Kind.ROLLOUTS,
        f"{PATH}/history": Kind.HISTORY,
        f"{PATH}/decommission": Kind.DECOMMISSION,
    }
    return [
        *(Route(address, for_operators(console, page(kind)), name=kind) for address, kind in addresses.items()),
        Route(f"{PATH}/stream", live, name="console stream"),
        Route(f"{PATH}/static/{{name:path}}", console.assets.answer, name="console files"),
    ]


async def show_view(
    console: Console,
    request: Request,
    session: Session,
    view: View,
    *,
    failed: Failure | None = None,
    status: int = 200,
) -> Response:
    """A page, with the failure of a form that was sent from it."""
    seen = await see(view, console.reader)
    more: dict[str, Any] = {}
    if view.kind is Kind.ROUTE:
        more["series"] = await console.reader.series(view.route, view.minutes)
        more["windows_in_table"] = WINDOWS_IN_TABLE
    return console.rendering.page(
        request,
        f"{view.kind}.html",
        session,
        status=status,
        view=view,
        seen=seen,
        snapshot=seen.snapshot,
        cells=seen.cells,
        revisions=seen.revisions,
        prefixes=prefixes_of(seen.snapshot),
        failed=failed,
        done=request.query_params.get("done", ""),
        **seen.values,
        **more,
    )


def for_operators(console: Console, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A page for signed-in operators: others are sent to the door, errors become a page."""

    async def guarded(request: Request) -> Response:
        try:
            session = await session_of(request, console.verifier)
        except (Unauthenticated, Forbidden):
            return to_the_door(request)
        try:
            return await handler(request, session)
        except GatewayError as error:
            status = 404 if isinstance(error, RouteNotFound) else 503
            return trouble(console, request, session, str(error), status)

    return guarded


def to_the_door(request: Request) -> RedirectResponse:
    """To the sign-in page, and back afterwards."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"{PATH}/login?next={quote(wanted, safe='/')}", status_code=303)


def trouble(
    console: Console, request: Request, session: Session | None, sentence: str, status: int, **more: Mapping[str, Any]
) -> Response:
    """A page that says what is wrong and what to do."""
    return console.rendering.page(request, "trouble.html", session, status=status, sentence=sentence, **more)
