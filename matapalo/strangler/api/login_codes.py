"""`/admin/console/codes`: what `matapalo console` opens the browser with. Role ``operator``."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Header

from matapalo.strangler.api.schemas import LoginCode
from matapalo.strangler.store.login_codes import CODE_LIVES_S, EXCHANGE_PATH, LoginCodes


def login_codes_api(codes: LoginCodes) -> APIRouter:
    """The router that mints codes."""
    api = APIRouter(prefix="/admin/console", tags=["console"])

    @api.post("/codes", status_code=201, summary="A code that opens the console once")
    async def mint(authorization: Annotated[str | None, Header()] = None) -> LoginCode:
        code = await codes.mint((authorization or "").partition(" ")[2])
        return LoginCode(code=code, path=f"{EXCHANGE_PATH}?code={quote(code)}", expires_in_s=CODE_LIVES_S)

    return api
