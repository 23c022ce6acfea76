"""In and out: sign in with an operator's token or with a single-use code, sign out.

GET  /console/login          the form
POST /console/login          token, next
GET  /console/enter?code=…   what `matapalo console` opens; only when nobody else's page led here
POST /console/logout
POST /admin/console/codes    (bearer token, role operator) {"code", "path", "expires_in_s"}
"""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Header
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from matapalo.auth.verifier import TokenVerifier
from matapalo.strangler.console import forms
from matapalo.strangler.console.actions import status_of
from matapalo.strangler.console.login_codes import CODE_LIVES_S, Codes
from matapalo.strangler.console.pages import Console, trouble
from matapalo.strangler.console.session import (
    PATH,
    require_form_token,
    require_same_origin,
    session_of,
    sign_in,
    sign_out,
    verified,
)
from matapalo.strangler.errors import GatewayError


class Entrance:
    """The doors of a console."""

    def __init__(self, console: Console) -> None:
        self._console = console

    async def show_form(self, request: Request) -> Response:
        """The sign-in page."""
        return self._login(request, request.query_params.get("next", ""))

    async def sign_in(self, request: Request) -> Response:
        """With an operator's token."""
        wanted = ""
        try:
            require_same_origin(request)
            fields = await forms.read(request)
            wanted = fields.get("next", "")
            token = fields.get("operator_token", "").strip().removeprefix("Bearer ")
            await verified(token, self._console.verifier)
        except GatewayError as error:
            return self._login(request, wanted, sentence=str(error), status=status_of(error))
        return _signed_in(request, token, _safe(wanted))

    async def enter(self, request: Request) -> Response:
        """With a single-use code. A link on another site must not sign a visitor in as somebody else."""
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            sentence = "Another site's page led here: run `matapalo console` yourself."
            return trouble(self._console, request, None, sentence, 403)
        try:
            token = await self._console.codes.exchange(request.query_params.get("code", ""))
        except GatewayError as error:
            return trouble(self._console, request, None, str(error), 503)
        if token is None:
            sentence = "this code has been used or has expired: run `matapalo console` again"
            return self._login(request, "", sentence=sentence, status=401)
        return _signed_in(request, token, PATH)

    async def sign_out(self, request: Request) -> Response:
        """Forgets the session."""
        try:
            require_same_origin(request)
            session = await session_of(request, self._console.verifier)
            require_form_token(request, await forms.read(request), session)
        except GatewayError as error:
            return trouble(self._console, request, None, str(error), status_of(error))
        response = RedirectResponse(f"{PATH}/login", status_code=303)
        sign_out(request, response)
        return response

    def _login(self, request: Request, wanted: str, *, sentence: str = "", status: int = 200) -> Response:
        return self._console.rendering.page(
            request, "login.html", None, status=status, next=_safe(wanted), sentence=sentence
        )


def routes(console: Console) -> list[BaseRoute]:
    """The addresses of the doors."""
    doors = Entrance(console)
    return [
        Route(f"{PATH}/login", doors.show_form, methods=["GET"], name="sign-in form"),
        Route(f"{PATH}/login", doors.sign_in, methods=["POST"], name="sign in"),
        Route(f"{PATH}/enter", doors.enter, methods=["GET"], name="sign in by code"),
        Route(f"{PATH}/logout", doors.sign_out, methods=["POST"], name="sign out"),
    ]


class Code(BaseModel):
    """A code that opens the console once."""

    code: str
    path: str
    expires_in_s: int


def codes_api(codes: Codes, verifier: TokenVerifier) -> APIRouter:
    """The router that mints codes."""
    api = APIRouter(prefix="/admin/console", tags=["console"])

    @api.post("/codes", status_code=201, summary="A code that opens the console once")
    async def mint(authorization: Annotated[str | None, Header()] = None) -> Code:
        token = (authorization or "").partition(" ")[2]
        await verified(token, verifier)
        code = await codes.mint(token)
        return Code(code=code, path=f"{PATH}/enter?code={quote(code)}", expires_in_s=CODE_LIVES_S)

    return api


def _signed_in(request: Request, token: str, to: str) -> Response:
    response = RedirectResponse(to, status_code=303)
    sign_in(request, response, token)
    return response


def _safe(wanted: str) -> str:
    """Where to go after signing in: a page of the console, whatever was asked for."""
    inside = wanted == PATH or wanted.startswith((f"{PATH}/", f"{PATH}?"))
    return wanted if inside and "\\" not in wanted and not wanted.startswith(f"{PATH}/login") else PATH
