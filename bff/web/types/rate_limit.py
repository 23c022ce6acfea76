"""The state of the viewer's rate limits, as GitHub's `rateLimit` says it; every policy by its name besides."""

from datetime import datetime, timedelta

import strawberry

from bff.commerce.context import Context
from matapalo import Cost, OperationCharge, PolicyState, sized

FREE = Cost(weight=0)


@strawberry.type(name="RateLimitPolicy", description="One limit of the viewer's tier.", directives=[FREE])
class WebRateLimitPolicy:
    name: str = strawberry.field(description="As in the `RateLimit` header.")
    unit: str = strawberry.field(description="What it counts: `requests`, `points` or `concurrent-requests`.")
    limit: int = strawberry.field(description="How many.")
    window_seconds: int = strawberry.field(description="In how long; 0 for what runs at the same time.")
    remaining: int = strawberry.field(description="How many are left.")
    reset_at: datetime = strawberry.field(description="When there are more; now, when nothing is used.")


@strawberry.type(
    name="RateLimit",
    description="The tightest of the viewer's limits: the one with the smallest share left.",
    directives=[FREE],
)
class WebRateLimit:
    tier: str = strawberry.field(description="The viewer's tier.")
    limit: int | None = strawberry.field(description="How much it allows; null when nothing is limited.")
    remaining: int | None = strawberry.field(description="How much of it is left; null when nothing is limited.")
    used: int | None = strawberry.field(description="How much of it is used; null when nothing is limited.")
    reset_at: datetime | None = strawberry.field(description="When there is more of it; null when nothing is limited.")
    cost: int = strawberry.field(description="The most points that this operation may cost.")
    node_count: int = strawberry.field(description="The most objects that this operation may return.")
    policies: list[WebRateLimitPolicy] = strawberry.field(description="Every limit.", directives=[sized(10)])


def rate_limit(context: Context) -> WebRateLimit:
    """The state of the limits when this operation was allowed."""
    charge = context.charge or OperationCharge()
    decision = charge.decision
    tightest = decision.tightest if decision is not None else None
    policies = [] if decision is None else [policy for policy in decision.policies if not policy.shadow]
    now = context.clock.now()
    return WebRateLimit(
        tier=context.viewer.tier,
        limit=tightest.limit if tightest else None,
        remaining=tightest.remaining if tightest else None,
        used=tightest.limit - tightest.remaining if tightest else None,
        reset_at=now + timedelta(seconds=tightest.reset_s) if tightest else None,
        cost=charge.requested,
        node_count=charge.nodes,
        policies=[_policy(policy, now) for policy in policies],
    )


def _policy(state: PolicyState, now: datetime) -> WebRateLimitPolicy:
    return WebRateLimitPolicy(
        name=state.name,
        unit=state.unit,
        limit=state.limit,
        window_seconds=state.window_s,
        remaining=state.remaining,
        reset_at=now + timedelta(seconds=state.reset_s),
    )
