"""`/admin/…` as one router: the routes, the three moves, decommission. Every path needs role ``operator``.

Other parts of the gateway bring their own routers (`gateway.app` includes them beside this one).
"""

from fastapi import APIRouter

from gateway.auth.operators import OperatorGate
from gateway.clock import Clock
from gateway.control.decommission import Decommission
from gateway.control.retirement import retirement_api
from gateway.control.routes import Agents, routes_api
from gateway.control.strangler import strangler_api
from gateway.store.changes import Changes


def admin_api(
    changes: Changes, agents: Agents, decommission: Decommission, operator: OperatorGate, clock: Clock
) -> APIRouter:
    """The router, joined to what it reads and changes."""
    api = APIRouter()
    api.include_router(routes_api(changes, agents, operator, clock))
    api.include_router(strangler_api(changes, operator))
    api.include_router(retirement_api(decommission, operator))
    return api
