"""A route's policy as a matcher: the twin of `gateway.routing.decide`, rule by rule in the same order.

Every outcome is a complete Envoy route named ``<route>:<side>:<reason>``, to the cluster of that side of that route.
What all of them share is said once a table, by `shared_by_all`: a table of 500 routes is parsed anew at every change.
"""

from gateway.dataplane import match
from gateway.dataplane.clusters import TARGET_METADATA, cluster_name
from gateway.dataplane.xds import Json, set_header
from gateway.routing.decide import Reason
from gateway.routing.route import WHOLE_BP, Route, Side

REQUEST_TIMEOUT = "5s"
"""As long as the longest deadline of a caller: no mutation waits longer."""

SAFE = match.fits(":method", "GET|HEAD")
_RETRIES = {
    "retry_on": "connect-failure,refused-stream,reset-before-request",
    "num_retries": 1,
    "retriable_request_headers": [{"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}],
}


def policy(route: Route, *, forced: dict[Side, Json]) -> Json:
    """The outcome for requests that belong to the route. ``forced`` is the listener's question whether a trusted caller
    asks for a side.
    """

    def to(side: Side, reason: Reason) -> Json:
        return match.route_action(
            {
                "name": f"{route.name}:{side}:{reason}",
                "match": {"prefix": "/"},
                "route": {"cluster": cluster_name(route, side), "timeout": REQUEST_TIMEOUT},
            }
        )

    rules = [match.when(forced[side], to(side, Reason.FORCED)) for side in Side]
    if route.writes is not None:
        rules.append(match.when(match.negation(SAFE), to(route.writes, Reason.METHOD)))
    if route.share_bp == WHOLE_BP:
        return match.first(rules, otherwise=to(Side.NEW, Reason.DEFAULT))
    if route.share_bp == 0:  # the hash matcher cannot say "nobody": its threshold must stay below its modulo
        return match.first(rules, otherwise=to(Side.LEGACY, Reason.DEFAULT))
    in_share = match.hash_at_least("x-user-id", threshold=WHOLE_BP - route.share_bp, modulo=WHOLE_BP, seed=route.seed)
    by_share = match.first([match.when(in_share, to(Side.NEW, Reason.SHARE))], otherwise=to(Side.LEGACY, Reason.SHARE))
    rules.append(match.when(match.fits("x-user-id", ".+"), by_share))
    return match.first(rules, otherwise=to(Side.LEGACY, Reason.NO_SUBJECT))


def shared_by_all(*, tells_reason: bool) -> Json:
    """What the virtual host of a table says for all its routes.

    A request that cannot have had an effect yet is repeated once, if it is a safe one. `x-strangler-target` says who
    answered, from the metadata of the endpoint that was asked; it is missing when none was. ``tells_reason`` adds
    `x-strangler-reason`, the name of the route: ``orders:new:share``.
    """
    headers = [set_header("x-strangler-target", f"%UPSTREAM_METADATA({TARGET_METADATA}:target)%")]
    if tells_reason:
        headers.append(set_header("x-strangler-reason", "%ROUTE_NAME%"))
    return {
        "retry_policy": _RETRIES,
        "response_headers_to_add": headers,
        "response_headers_to_remove": [] if tells_reason else ["x-strangler-reason"],
    }
