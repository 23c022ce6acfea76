"""The internal listener's route table: the routes and `/healthz`, for callers whose headers are trusted.

The BFF and the workers have verified the token; `x-strangler-force` chooses a side, and the response names the reason.
"""

from collections.abc import Sequence
from functools import lru_cache

from matapalo.strangler.envoy import match
from matapalo.strangler.envoy.edge import HEALTH, NOT_FOUND
from matapalo.strangler.envoy.policy import policy
from matapalo.strangler.envoy.xds import CACHED, Json, fragment
from matapalo.strangler.routing.route import Route, Side

_FORCED = {side: match.equals("x-strangler-force", side) for side in Side}


def internal_table(routes: Sequence[Route]) -> Json:
    """The outcome for every request that reaches the internal listener."""
    policies = {route.prefix: _policy(route) for route in routes}
    return match.by_path({"/healthz": HEALTH, **policies}, otherwise=NOT_FOUND)


@lru_cache(CACHED)
def _policy(route: Route) -> Json:
    return fragment(policy(route, forced=_FORCED))
