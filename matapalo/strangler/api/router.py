"""`/admin/…` as one router: one module a subject, and the codes that `matapalo console` opens the browser with.

Every path needs role ``operator``.
"""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header

from matapalo.strangler.api.decommission import decommission_api
from matapalo.strangler.api.operators import OperatorGate
from matapalo.strangler.api.rollouts import rollouts_api
from matapalo.strangler.api.routes import routes_api
from matapalo.strangler.api.schemas import LoginCode
from matapalo.strangler.api.strangler import strangler_api
from matapalo.strangler.api.traffic import traffic_api
from matapalo.strangler.services import Services
from matapalo.strangler.store.login_codes import CODE_LIVES_S, EXCHANGE_PATH, LoginCodes


def admin_api(services: Services, operator: OperatorGate) -> APIRouter:
    api = APIRouter(dependencies=[Depends(operator)])
    api.include_router(routes_api(services.changes, services.nodes))
    api.include_router(strangler_api(services.changes))
    api.include_router(decommission_api(services.decommission))
    api.include_router(rollouts_api(services.rollouts))
    api.include_router(traffic_api(services))
    api.include_router(login_codes_api(services.login_codes))
    return api


def login_codes_api(codes: LoginCodes) -> APIRouter:
    api = APIRouter(prefix="/admin/console", tags=["console"])

    @api.post("/codes", status_code=201, summary="A code that opens the console once")
    async def mint(authorization: Annotated[str | None, Header()] = None) -> LoginCode:
        code = await codes.mint((authorization or "").partition(" ")[2])
        return LoginCode(code=code, path=f"{EXCHANGE_PATH}?code={quote(code)}", expires_in_s=CODE_LIVES_S)

    return api
