"""A route's policy as a matcher: the twin of `matapalo.strangler.routing.decide`, rule by rule in the same order.

Every outcome is a complete Envoy route named ``<route>:<side>:<reason>``, to the cluster of that side of that route, or
for a safe request that may fall back to the cluster that has both sides in order.
"""

from matapalo.strangler.envoy import match
from matapalo.strangler.envoy.clusters import TARGET_METADATA, cluster_name, fallback_name
from matapalo.strangler.envoy.xds import Json, extension, set_header
from matapalo.strangler.routing.decide import SHADOW_SALT, Reason
from matapalo.strangler.routing.route import WHOLE_BP, Route, Side
from matapalo.strangler.routing.validate import COMPARATOR

SAFE = match.matches(":method", "GET|HEAD")
_IS_GET = match.equals(":method", "GET")
_NO_EFFECT_YET = "connect-failure,refused-stream,reset-before-request"
_SHARED_RETRIES = 1
FALL_BACK_AFTER_MS = 1_000
"""A safe request without a response from the new side by then goes to the other: half of a query's deadline."""


def policy(route: Route, *, forced: dict[Side, Json]) -> Json:
    """The outcome for requests that belong to the route. ``forced``: the listener's predicate for a trusted caller that
    asks for this side.
    """
    rules = [match.when(forced[side], _action(route, side, Reason.FORCED)) for side in route.sides]
    if route.writes is not None:
        rules.append(match.when(match.negation(SAFE), _action(route, route.writes, Reason.METHOD)))
    for header, reason, values in (
        ("x-canary", Reason.CANARY, route.canary),
        ("x-cohort", Reason.COHORT, route.cohorts),
    ):
        rules += [match.when(match.equals(header, rule.value), _outcome(route, rule.side, reason)) for rule in values]
    if route.users:
        rules.append(
            match.when(match.matches("x-user-id", "|".join(route.users)), _outcome(route, Side.NEW, Reason.USER))
        )
    if route.share_bp in (0, WHOLE_BP):  # the hash matcher cannot mean "none": its threshold stays below its modulo
        side = Side.NEW if route.share_bp else Side.LEGACY
        return match.first(rules, otherwise=_outcome(route, side, Reason.DEFAULT))
    by_share = match.first(
        [match.when(_among_the_first(route.share_bp, route.seed), _outcome(route, Side.NEW, Reason.SHARE))],
        otherwise=_outcome(route, Side.LEGACY, Reason.SHARE),
    )
    rules.append(match.when(match.matches("x-user-id", ".+"), by_share))
    return match.first(rules, otherwise=_outcome(route, Side.LEGACY, Reason.NO_SUBJECT))


def _among_the_first(share_bp: int, seed: int) -> Json:
    return match.hash_at_least("x-user-id", threshold=WHOLE_BP - share_bp, modulo=WHOLE_BP, seed=seed)


def _outcome(route: Route, side: Side, reason: Reason) -> Json:
    """The action, as far as method and user choose among variants of it: with or without a fallback or a mirror."""
    falls_back = route.falls_back and side is Side.NEW
    plain = _action(route, side, reason, falls_back=falls_back)
    branches = []
    if route.shadow_bp:
        mirrored = _action(route, side, reason, falls_back=falls_back, is_mirrored=True)
        branches.append(match.when(_is_shadowed(route), mirrored))
    if not (falls_back and route.writes is None):
        return match.first(branches, otherwise=plain)
    # Writes come this way too, and the legacy side never stands in for a write.
    return match.first([*branches, match.when(SAFE, plain)], otherwise=_action(route, side, reason))


def _is_shadowed(route: Route) -> Json:
    if route.shadow_bp == WHOLE_BP:
        return _IS_GET
    return match.all_of(_IS_GET, _among_the_first(route.shadow_bp, route.seed + SHADOW_SALT))


def _action(route: Route, side: Side, reason: Reason, *, falls_back: bool = False, is_mirrored: bool = False) -> Json:
    action: Json = {
        "cluster": fallback_name(route) if falls_back else cluster_name(route, side),
        "timeout": _seconds(route.timeout_ms),
    }
    if falls_back:
        action["retry_policy"] = _fallback_policy(route)
    elif route.retries != _SHARED_RETRIES:
        action["retry_policy"] = _retry_policy(route.retries)
    if is_mirrored:
        # The comparator's copy names its route, and does not carry the caller's token.
        mutations = [{"remove": "authorization"}, {"append": set_header("x-strangler-route", route.name)}]
        mirror = {"cluster": COMPARATOR, "disable_shadow_host_suffix_append": True}
        action["request_mirror_policies"] = [mirror | {"request_headers_mutations": mutations}]
    return match.route_action({"name": f"{route.name}:{side}:{reason}", "match": {"prefix": "/"}, "route": action})


def _retry_policy(retries: int) -> Json:
    """Retry a safe request that cannot have had an effect yet."""
    return {
        "retry_on": _NO_EFFECT_YET,
        "num_retries": retries,
        "retriable_request_headers": [{"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}],
    }


def _fallback_policy(route: Route) -> Json:
    """Send the request to the other side after any failure of the first, slowness included."""
    return {
        "retry_on": f"5xx,reset,{_NO_EFFECT_YET}",
        "num_retries": max(1, route.retries),
        "per_try_timeout": _seconds(min(route.timeout_ms // 2, FALL_BACK_AFTER_MS)),
        "retry_priority": extension(
            "envoy.retry_priorities.previous_priorities",
            "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
            update_frequency=1,
        ),
    }


def _seconds(ms: int) -> str:
    return f"{ms // 1000}.{ms % 1000:03}s"


def virtual_host_defaults(*, with_reason: bool) -> Json:
    """What all routes of a table share, said once a table: 500 routes are parsed anew at every change.

    `x-strangler-target` is the side that responded, from the endpoint's metadata; it is missing when no endpoint was
    reached. ``with_reason`` adds `x-strangler-reason`, the name of the route: ``things:new:share``.
    """
    headers = [set_header("x-strangler-target", f"%UPSTREAM_METADATA({TARGET_METADATA}:target)%")]
    if with_reason:
        headers.append(set_header("x-strangler-reason", "%ROUTE_NAME%"))
    return {
        "retry_policy": _retry_policy(_SHARED_RETRIES),
        "response_headers_to_add": headers,
        "response_headers_to_remove": [] if with_reason else ["x-strangler-reason"],
    }
