"""A denied decision as the error that the client reads: message, code, headers and `extensions.cost`. Pure."""

import math
from collections.abc import Mapping
from typing import Any

from matapalo.errors import ConcurrencyLimited, CostTooExpensive, Denied, RateLimited, RateLimiterUnavailable
from matapalo.ratelimit.decision import Decision
from matapalo.ratelimit.headers import cost_extension, headers_of


def denied_error(decision: Decision, requested: int, *, shows_cost: bool) -> Denied:
    """Why an operation of ``requested`` points may not run; ``shows_cost``: with `extensions.cost`."""
    parts: Mapping[str, Any] = {
        "headers": headers_of(decision),
        "cost_extension": cost_extension(decision, requested, None) if shows_cost else None,
    }
    if decision.refusal == "RATE_LIMITER_UNAVAILABLE":
        return RateLimiterUnavailable("The rate limiter cannot be asked just now", retry_after_s=1.0, **parts)
    tier, violated = decision.tier, list(decision.violated)
    if decision.refusal == "COST_TOO_EXPENSIVE":
        limits = [each.limit for each in decision.policies if each.unit == "points" and each.name in violated]
        most = min(limits, default=0)
        return CostTooExpensive(
            f"The operation may cost {requested} points, and the tier {tier} never has more than {most}: "
            "ask for shorter lists or fewer fields",
            cost=requested,
            maxCost=most,
            tier=tier,
            **parts,
        )
    names = " and ".join(violated)
    wait_s = None if decision.retry_after_s is None else math.ceil(decision.retry_after_s * 1000) / 1000
    parts = {**parts, "retry_after_s": wait_s, "violatedPolicies": violated, "tier": tier}
    if decision.refusal == "CONCURRENCY_LIMITED":
        return ConcurrencyLimited(f"Too many operations run at once for the tier {tier} ({names})", **parts)
    again = "" if wait_s is None else f": try again in {wait_s:g} s"
    return RateLimited(f"The limit of the tier {tier} is used up ({names}){again}", **parts)
