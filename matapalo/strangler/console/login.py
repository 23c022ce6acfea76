"""In and out: sign in with an operator's token or with a single-use code (`matapalo console` opens it), sign out."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from matapalo.strangler.console import forms
from matapalo.strangler.console.actions import status_of
from matapalo.strangler.console.pages import Console, error_page
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
from matapalo.strangler.store.login_codes import EXCHANGE_PATH


class Login:
    def __init__(self, console: Console) -> None:
        self._console = console

    async def show_form(self, request: Request) -> Response:
        """The form; after signing in it leads to ``next``."""
        return self._form(request, request.query_params.get("next", ""))

    async def sign_in(self, request: Request) -> Response:
        target = ""
        try:
            require_same_origin(request)
            fields = await forms.read(request)
            target = fields.get("next", "")
            token = fields.get("operator_token", "").strip().removeprefix("Bearer ")
            await verified(token, self._console.verifier)
        except GatewayError as error:
            return self._form(request, target, sentence=str(error), status=status_of(error))
        return _signed_in(request, token, _safe(target))

    async def exchange_code(self, request: Request) -> Response:
        """With a single-use code. A link on another site must not sign a visitor in as another operator."""
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            sentence = "Another site's page led here: run `matapalo console` yourself."
            return error_page(self._console, request, None, sentence, 403)
        try:
            token = await self._console.services.login_codes.exchange(request.query_params.get("code", ""))
        except GatewayError as error:
            return error_page(self._console, request, None, str(error), 503)
        if token is None:
            sentence = "this code has been used or has expired: run `matapalo console` again"
            return self._form(request, "", sentence=sentence, status=401)
        return _signed_in(request, token, PATH)

    async def sign_out(self, request: Request) -> Response:
        try:
            require_same_origin(request)
            session = await session_of(request, self._console.verifier)
            require_form_token(request, await forms.read(request), session)
        except GatewayError as error:
            return error_page(self._console, request, None, str(error), status_of(error))
        response = RedirectResponse(f"{PATH}/login", status_code=303)
        sign_out(request, response)
        return response

    def _form(self, request: Request, target: str, *, sentence: str = "", status: int = 200) -> Response:
        return self._console.rendering.page(
            request, "login.html", None, status=status, next=_safe(target), sentence=sentence
        )


def routes(console: Console) -> list[BaseRoute]:
    login = Login(console)
    return [
        Route(f"{PATH}/login", login.show_form, methods=["GET"], name="sign-in form"),
        Route(f"{PATH}/login", login.sign_in, methods=["POST"], name="sign in"),
        Route(EXCHANGE_PATH, login.exchange_code, methods=["GET"], name="sign in by code"),
        Route(f"{PATH}/logout", login.sign_out, methods=["POST"], name="sign out"),
    ]


def _signed_in(request: Request, token: str, to: str) -> Response:
    response = RedirectResponse(to, status_code=303)
    sign_in(request, response, token)
    return response


def _safe(target: str) -> str:
    """Where to go after signing in: a page of the console, whatever the request says."""
    is_inside = target == PATH or target.startswith((f"{PATH}/", f"{PATH}?"))
    return target if is_inside and "\\" not in target and not target.startswith(f"{PATH}/login") else PATH
