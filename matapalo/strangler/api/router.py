"""`/admin/…` as one router: the routes, the three moves, decommission. Every path needs role ``operator``.

Other parts of the gateway bring their own routers (`matapalo.strangler.app` includes them beside this one).
"""

from fastapi import APIRouter

from matapalo.process.clock import Clock
from matapalo.strangler.api.decommission import retirement_api
from matapalo.strangler.api.operators import OperatorGate
from matapalo.strangler.api.routes import Agents, routes_api
from matapalo.strangler.api.strangler import strangler_api
from matapalo.strangler.decommission.evidence import Decommission
from matapalo.strangler.store.changes import Changes


def admin_api(
    changes: Changes, agents: Agents, decommission: Decommission, operator: OperatorGate, clock: Clock
) -> APIRouter:
    """The router, joined to what it reads and changes."""
    api = APIRouter()
    api.include_router(routes_api(changes, agents, operator, clock))
    api.include_router(strangler_api(changes, operator))
    api.include_router(retirement_api(decommission, operator))
    return api
