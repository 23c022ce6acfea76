"""How a decision reaches the client: HTTP headers, `extensions.cost`, and the error of a denied operation. Pure.

`RateLimit` and `RateLimit-Policy` are lists of quoted names with parameters (structured fields, RFC 9651): quota ``q``,
window ``w`` in seconds, remaining ``r``, seconds until there is more ``t``. Points are no registered unit, so the cost
bucket says ``bff-unit="points"``. `X-RateLimit-*` speaks of the tightest policy alone, its reset in seconds from now.
Policies in shadow mode are left out. While the limiter's store is away the counts are this process' own: there is no
`RateLimit` then, and `X-RateLimit-Degraded: true`.
Source: draft-ietf-httpapi-ratelimit-headers-10.
"""

import math
from functools import lru_cache
from typing import Any

from matapalo.errors import ConcurrencyLimited, CostTooExpensive, Denied, RateLimited, RateLimiterUnavailable
from matapalo.ratelimit.rules.decision import Decision
from matapalo.ratelimit.rules.policy import PolicyState, Unit

_UNIT_PARAMETER: dict[Unit, str] = {
    "requests": "",
    "points": ';bff-unit="points"',
    "concurrent-requests": ';qu="concurrent-requests"',
}


def headers_of(decision: Decision, returned: int = 0) -> dict[str, str]:
    """The headers of a response, `Retry-After` aside; none when nothing is limited.

    ``returned``: points credited since the decision.
    """
    policies, standing = [], []
    for state in decision.policies:
        if not state.shadow:
            policies.append(_policy(state.name, state.unit, state.limit, state.window_s))
            standing.append(f'"{state.name}";r={_remaining(state, returned)};t={math.ceil(state.reset_s)}')
    if not policies:
        return {}
    headers = {"ratelimit-policy": ", ".join(policies)}
    if decision.degraded:
        headers["x-ratelimit-degraded"] = "true"
    else:
        headers["ratelimit"] = ", ".join(standing)
    tightest = decision.tightest
    if tightest is not None:
        headers["x-ratelimit-limit"] = str(tightest.limit)
        headers["x-ratelimit-remaining"] = str(_remaining(tightest, returned))
        headers["x-ratelimit-reset"] = str(math.ceil(tightest.reset_s))
    return headers


def cost_extension(decision: Decision, requested: int, actual: int | None, returned: int = 0) -> dict[str, Any]:
    """`extensions.cost`, with the members of Shopify's."""
    bucket = next((state for state in decision.policies if state.unit == "points" and not state.shadow), None)
    throttle = None
    if bucket is not None:
        throttle = {
            "maximumAvailable": bucket.limit,
            "currentlyAvailable": _remaining(bucket, returned),
            "restoreRate": bucket.restore_per_s,
        }
    return {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": throttle}


def denied_error(decision: Decision, requested: int, *, shows_cost: bool) -> Denied:
    """Why an operation of ``requested`` points may not run; ``shows_cost``: with `extensions.cost`."""
    arguments: dict[str, Any] = {
        "headers": headers_of(decision),
        "cost_extension": cost_extension(decision, requested, None) if shows_cost else None,
        "retry_after_s": None if decision.retry_after_s is None else math.ceil(decision.retry_after_s * 1000) / 1000,
    }
    if decision.denial == "RATE_LIMITER_UNAVAILABLE":
        return RateLimiterUnavailable("The rate limiter cannot be asked just now", **arguments)
    tier, violated = decision.tier, list(decision.violated)
    if decision.denial == "COST_TOO_EXPENSIVE":
        limits = [state.limit for state in decision.policies if state.unit == "points" and state.name in violated]
        most = min(limits, default=0)
        return CostTooExpensive(
            f"The operation may cost {requested} points, and the tier {tier} never has more than {most}: "
            "ask for shorter lists or fewer fields",
            cost=requested,
            maxCost=most,
            tier=tier,
            **arguments,
        )
    names, wait_s = " and ".join(violated), arguments["retry_after_s"]
    arguments |= {"violatedPolicies": violated, "tier": tier}
    if decision.denial == "CONCURRENCY_LIMITED":
        return ConcurrencyLimited(f"Too many operations run at once for the tier {tier} ({names})", **arguments)
    when = "" if wait_s is None else f": try again in {wait_s:g} s"
    return RateLimited(f"The limit of the tier {tier} is used up ({names}){when}", **arguments)


def _remaining(state: PolicyState, returned: int) -> int:
    return min(state.limit, state.remaining + returned) if state.unit == "points" else state.remaining


@lru_cache(maxsize=1_000)
def _policy(name: str, unit: Unit, limit: int, window_s: int) -> str:
    window = f";w={window_s}" if window_s else ""
    return f'"{name}";q={limit}{window}{_UNIT_PARAMETER[unit]}'
