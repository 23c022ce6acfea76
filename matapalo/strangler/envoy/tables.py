"""The route tables of both listeners: what is reachable from outside, and what for callers whose headers are trusted.

Outside everything but the paths of `edge_table` is 404, so also /admin, /metrics and /__fault; it runs after
`matapalo.strangler.envoy.identity`: `x-user-id` and `x-role` are the token's. Inside, the BFF and the workers have
verified the token; `x-strangler-force` chooses a side, and the response names the reason.
"""

from collections.abc import Sequence
from functools import lru_cache

from matapalo.strangler.envoy import landing_page, match
from matapalo.strangler.envoy.identity import graphql_path
from matapalo.strangler.envoy.policy import SAFE, policy
from matapalo.strangler.envoy.problems import local_response
from matapalo.strangler.envoy.xds import CACHED, Json, fragment, set_header
from matapalo.strangler.routing.access import READER_ROLES, STAFF_ROLES
from matapalo.strangler.routing.route import Audience, Route, Side
from matapalo.strangler.settings import Settings, upstream_of

STREAM_IDLE_TIMEOUT = "300s"
"""For GraphQL streams: far above any heartbeat, so only a dead peer's stream is closed."""

_IS_STAFF = match.matches("x-role", "|".join(STAFF_ROLES))
_HAS_TOKEN = match.matches("x-user-id", ".+")
_IS_READER = match.any_of(
    match.matches("x-role", "|".join(READER_ROLES)),
    match.all_of(_HAS_TOKEN, match.negation(match.matches("x-role", ".*"))),  # a token without a role: a customer
)

_FORCED_INSIDE = {side: match.equals("x-strangler-force", side) for side in Side}
_FORCED = {side: match.all_of(match.equals("x-force", side), match.equals("x-role", "operator")) for side in Side}
"""Outside, only an operator may ask for a side, by `x-force`; `x-strangler-force` has been stripped."""

NOT_FOUND = match.route_action(local_response("not-found", 404, "There is nothing at this address."))
_HEALTHY = {
    "name": "healthz",
    "match": {"prefix": "/"},
    "direct_response": {"status": 200, "body": {"inline_string": '{"status":"ok"}'}},
    "response_headers_to_add": [set_header("content-type", "application/json")],
}
HEALTH = match.first(
    [match.when(match.matches(":path", r"/healthz(\?.*)?"), match.route_action(_HEALTHY))], otherwise=NOT_FOUND
)
_CONSOLE = {
    "name": "console",
    "match": {"prefix": "/console"},
    # A page keeps one stream open as long as it is looked at; it speaks every second.
    "route": {"cluster": "control", "timeout": "0s", "idle_timeout": "30s"},
}
_DENIED = match.first(
    [
        match.when(
            _HAS_TOKEN,
            match.route_action(
                local_response("forbidden", 403, "Your role may not do this here: it needs role operator or service.")
            ),
        )
    ],
    otherwise=match.route_action(
        local_response("unauthenticated", 401, "Send a bearer token: without one only public routes can be read.")
        | {"response_headers_to_add": [set_header("www-authenticate", "Bearer")]}
    ),
)


def edge_table(routes: Sequence[Route], settings: Settings) -> Json:
    outcomes = {
        "/": match.route_action(landing_page.route(settings, routes)),
        "/healthz": HEALTH,
        "/console": match.route_action(_CONSOLE),
    }
    for client in settings.clients:
        outcomes[graphql_path(client)] = match.route_action(_graphql(graphql_path(client), upstream_of(client)))
    outcomes |= {route.prefix: _policy_for_audience(route) for route in routes}
    return match.by_path(outcomes, otherwise=_denied_or_not_found(routes))


@lru_cache(CACHED)
def _policy_for_audience(route: Route) -> Json:
    # For everyone else it is no match at all: the table has one 401 and one 403 for all routes.
    allowed = match.when(_may_use(route.audience), policy(route, forced=_FORCED))
    return fragment({"matcher": {"matcher_list": {"matchers": [allowed]}}})


def internal_table(routes: Sequence[Route]) -> Json:
    policies = {route.prefix: _policy_inside(route) for route in routes}
    return match.by_path({"/healthz": HEALTH, **policies}, otherwise=NOT_FOUND)


@lru_cache(CACHED)
def _policy_inside(route: Route) -> Json:
    return fragment(policy(route, forced=_FORCED_INSIDE))


def _denied_or_not_found(routes: Sequence[Route]) -> Json:
    if not routes:
        return NOT_FOUND
    prefixes = "|".join(route.prefix for route in routes)
    return match.first([match.when(match.matches(":path", f"({prefixes})([/?].*)?"), _DENIED)], otherwise=NOT_FOUND)


def _may_use(audience: Audience) -> Json:
    """The twin of `matapalo.strangler.routing.access.access`."""
    if audience is Audience.STAFF:
        return _IS_STAFF
    reads = SAFE if audience is Audience.PUBLIC else match.all_of(SAFE, _IS_READER)
    return match.any_of(_IS_STAFF, reads)


def _graphql(path: str, upstream: str) -> Json:
    return {
        "name": upstream,
        "match": {"prefix": path},
        "route": {
            "cluster": upstream,
            "prefix_rewrite": "/graphql",
            "timeout": "0s",
            "idle_timeout": STREAM_IDLE_TIMEOUT,
            "upgrade_configs": [{"upgrade_type": "websocket"}],
        },
    }
