"""`/admin/…` as one router: one module a subject. Every path needs role ``operator``."""

from fastapi import APIRouter, Depends

from matapalo.strangler.api.decommission import decommission_api
from matapalo.strangler.api.login_codes import login_codes_api
from matapalo.strangler.api.operators import OperatorGate
from matapalo.strangler.api.rollouts import rollouts_api
from matapalo.strangler.api.routes import routes_api
from matapalo.strangler.api.strangler import strangler_api
from matapalo.strangler.api.traffic import traffic_api
from matapalo.strangler.services import Services


def admin_api(services: Services, operator: OperatorGate) -> APIRouter:
    """The admin API over the services of one process."""
    api = APIRouter(dependencies=[Depends(operator)])
    api.include_router(routes_api(services.changes, services.nodes))
    api.include_router(strangler_api(services.changes))
    api.include_router(decommission_api(services.decommission))
    api.include_router(rollouts_api(services.rollouts))
    api.include_router(traffic_api(services))
    api.include_router(login_codes_api(services.login_codes))
    return api
