"""How limits look in HTTP headers and in `extensions.cost`. Pure.

`RateLimit` and `RateLimit-Policy` are lists of quoted names with parameters (structured fields, RFC 9651): quota ``q``,
window ``w`` in seconds, remaining ``r``, seconds until there is more ``t``. Points are no registered unit, so the cost
bucket says ``bff-unit="points"``. `X-RateLimit-*` speaks of the tightest policy alone, its reset in seconds from now.
Policies in shadow mode are not shown. While the limiter's store is away the counts are this process' own: there is no
`RateLimit` then, and `X-RateLimit-Degraded: true`.
Source: draft-ietf-httpapi-ratelimit-headers-10.
"""

import math
from functools import lru_cache
from typing import Any

from matapalo.ratelimit.decision import Decision, PolicyState, Unit

_UNIT_PARAMETER = {"requests": "", "points": ';bff-unit="points"', "concurrent-requests": ';qu="concurrent-requests"'}


def headers_of(decision: Decision, returned: int = 0) -> dict[str, str]:
    """The headers of an answer, `Retry-After` aside; none when nothing is limited.

    ``returned``: points credited since the decision.
    """
    policies, standing = [], []
    for each in decision.policies:
        if not each.shadow:
            left = _left(each, returned) if returned else each.remaining
            policies.append(_policy(each.name, each.unit, each.limit, each.window_s))
            standing.append(f'"{each.name}";r={left};t={math.ceil(each.reset_s)}')
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
        headers["x-ratelimit-remaining"] = str(_left(tightest, returned))
        headers["x-ratelimit-reset"] = str(math.ceil(tightest.reset_s))
    return headers


def cost_extension(decision: Decision, requested: int, actual: int | None, returned: int = 0) -> dict[str, Any]:
    """`extensions.cost`, as Shopify has it."""
    bucket = next((each for each in decision.policies if each.unit == "points" and not each.shadow), None)
    throttle = None
    if bucket is not None:
        throttle = {
            "maximumAvailable": bucket.limit,
            "currentlyAvailable": _left(bucket, returned),
            "restoreRate": bucket.restore_per_s,
        }
    return {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": throttle}


def _left(each: PolicyState, returned: int) -> int:
    return min(each.limit, each.remaining + returned) if each.unit == "points" else each.remaining


@lru_cache(maxsize=1_000)
def _policy(name: str, unit: Unit, limit: int, window_s: int) -> str:
    window = f";w={window_s}" if window_s else ""
    return f'"{name}";q={limit}{window}{_UNIT_PARAMETER[unit]}'
