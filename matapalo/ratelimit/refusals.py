"""A refusal of the limiter as the error that the client reads. Pure."""

import math

from matapalo.errors import ConcurrencyLimited, CostTooExpensive, Denied, RateLimited, RateLimiterUnavailable
from matapalo.ratelimit.decision import Decision


def refusal(decision: Decision, cost: int) -> Denied:
    """Why an operation of ``cost`` points may not run."""
    if decision.refusal == "COST_TOO_EXPENSIVE":
        return _too_expensive(decision, cost)
    if decision.refusal == "RATE_LIMITER_UNAVAILABLE":
        return RateLimiterUnavailable("The rate limiter cannot be asked just now", retry_after_s=1.0)
    violated = list(decision.violated)
    names = " and ".join(violated)
    wait_s = None if decision.retry_after_s is None else math.ceil(decision.retry_after_s * 1000) / 1000
    if decision.refusal == "CONCURRENCY_LIMITED":
        return ConcurrencyLimited(
            f"Too many operations run at once for the tier {decision.tier} ({names})",
            retry_after_s=wait_s,
            violatedPolicies=violated,
            tier=decision.tier,
        )
    again = "" if wait_s is None else f": try again in {wait_s:g} s"
    return RateLimited(
        f"The limit of the tier {decision.tier} is used up ({names}){again}",
        retry_after_s=wait_s,
        violatedPolicies=violated,
        tier=decision.tier,
    )


def _too_expensive(decision: Decision, cost: int) -> CostTooExpensive:
    limits = [each.limit for each in decision.policies if each.unit == "points" and each.name in decision.violated]
    most = min(limits, default=0)
    return CostTooExpensive(
        f"The operation may cost {cost} points, and the tier {decision.tier} never has more than {most}: "
        "ask for shorter lists or fewer fields",
        cost=cost,
        maxCost=most,
        tier=decision.tier,
    )
