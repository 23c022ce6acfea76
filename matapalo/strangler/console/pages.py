"""The pages of a signed-in operator, and the stream that keeps them current."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from matapalo.strangler.caller import TokenVerifier
from matapalo.strangler.console.assets import Assets
from matapalo.strangler.console.content import WINDOWS_IN_TABLE, Page, PageKind, read_content
from matapalo.strangler.console.forms import Failure
from matapalo.strangler.console.rendering import Rendering
from matapalo.strangler.console.session import PATH, Session, session_of, token_of
from matapalo.strangler.console.snapshot import Reader
from matapalo.strangler.console.stream import EVERY_S, stream
from matapalo.strangler.errors import Forbidden, GatewayError, RouteNotFound, Unauthenticated
from matapalo.strangler.services import Services

Handler: TypeAlias = Callable[[Request, Session], Awaitable[Response]]


@dataclass(frozen=True)
class Console:
    services: Services
    reader: Reader
    rendering: Rendering
    assets: Assets
    verifier: TokenVerifier
    every_s: float = EVERY_S


def routes(console: Console) -> list[BaseRoute]:

    def page(kind: PageKind) -> Handler:
        async def show(request: Request, session: Session) -> Response:
            page = Page.of(kind, request.path_params.get("name", ""), request.query_params.get("minutes", ""))
            return await show_page(console, request, session, page)

        return show

    async def live(request: Request) -> Response:
        try:
            await session_of(request, console.verifier)
            query = request.query_params
            page = Page.of(query.get("page", ""), query.get("route", ""), query.get("minutes", ""))
        except (Unauthenticated, Forbidden) as error:
            return Response(str(error), status_code=401, media_type="text/plain")
        except ValueError:
            return Response("There is no such page.", status_code=404, media_type="text/plain")
        return stream(
            page,
            token_of(request),
            reader=console.reader,
            verifier=console.verifier,
            every_s=console.every_s,
        )

    addresses = {
        PATH: PageKind.ROUTES,
        f"{PATH}/routes/{{name}}": PageKind.ROUTE,
        f"{PATH}/rollouts": PageKind.ROLLOUTS,
        f"{PATH}/history": PageKind.HISTORY,
        f"{PATH}/decommission": PageKind.DECOMMISSION,
    }
    return [
        *(Route(address, for_operators(console, page(kind)), name=kind) for address, kind in addresses.items()),
        Route(f"{PATH}/stream", live, name="console stream"),
        Route(f"{PATH}/static/{{name:path}}", console.assets.serve, name="console files"),
    ]


async def show_page(
    console: Console,
    request: Request,
    session: Session,
    page: Page,
    *,
    failed: Failure | None = None,
    status: int = 200,
) -> Response:
    content = await read_content(page, console.reader)
    more: dict[str, Any] = {}
    if page.kind is PageKind.ROUTE:
        more["series"] = await console.reader.series(page.route, page.minutes)
        more["windows_in_table"] = WINDOWS_IN_TABLE
    return console.rendering.page(
        request,
        f"{page.kind}.html",
        session,
        status=status,
        page=page,
        cells=content.live,
        revisions=content.revisions,
        prefixes=content.prefixes,
        failed=failed,
        done=request.query_params.get("done", ""),
        **content.regions,
        **more,
    )


def for_operators(console: Console, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A page for signed-in operators: others are sent to the login, errors become a page."""

    async def guarded(request: Request) -> Response:
        try:
            session = await session_of(request, console.verifier)
        except (Unauthenticated, Forbidden):
            target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"{PATH}/login?next={quote(target, safe='/')}", status_code=303)
        try:
            return await handler(request, session)
        except GatewayError as error:
            status = 404 if isinstance(error, RouteNotFound) else 503
            return error_page(console, request, session, str(error), status)

    return guarded


def error_page(console: Console, request: Request, session: Session | None, sentence: str, status: int) -> Response:
    return console.rendering.page(request, "error.html", session, status=status, sentence=sentence)
