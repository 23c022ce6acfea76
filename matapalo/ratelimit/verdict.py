"""From the numbers of a verdict to the decision that clients are told. Pure."""

from collections.abc import Sequence

from matapalo.ratelimit.decision import Decision, PolicyState, Refusal, Reservation
from matapalo.ratelimit.policy import ENFORCE, NOT_ASKED, SHADOW, Plan, Policy
from matapalo.ratelimit.state import Verdict
from matapalo.ratelimit.window import NEVER

CONCURRENCY_RETRY_S = 1.0
UNAVAILABLE_RETRY_S = 1.0


def from_reply(reply: Sequence[int]) -> Verdict:
    """What the script `reserve` answers."""
    return Verdict(reply[0] == 1, reply[1], reply[2::3], reply[3::3], reply[4::3])


def states(plan: Plan, verdict: Verdict, *, everything: bool = False) -> tuple[PolicyState, ...]:
    """How the policies stand that were asked, or all."""
    each = zip(plan.used_up, plan.modes, verdict.remaining, verdict.reset_us, strict=True)
    return tuple(
        [
            PolicyState(
                one.name, one.unit, one.limit, one.window_s, left, reset_us / 1e6, one.restore_per_s, one.shadow
            )
            for one, mode, left, reset_us in each
            if everything or mode != NOT_ASKED
        ]
    )


def decide(plan: Plan, tier: str, subject: str, cost: int, verdict: Verdict, *, is_local: bool = False) -> Decision:
    """The decision. What a violated shadow policy did not charge is not in the reservation either."""
    assert plan.kind is not None  # noqa: S101 - a look is not decided
    policies = states(plan, verdict)
    would = _violating(plan, verdict, SHADOW) if any(verdict.wait_us) else ()
    if verdict.admitted:
        reservation = Reservation(
            subject=subject,
            tier=tier,
            kind=plan.kind,
            cost=cost,
            taken_at_us=verdict.moment_us,
            is_local=is_local,
            is_settled=not _charged(plan.bucket, verdict),
            is_released=not _charged(plan.lease, verdict),
        )
        return Decision(
            admitted=True,
            tier=tier,
            policies=policies,
            would_refuse=tuple(one.name for one in would),
            degraded=is_local,
            reservation=reservation,
        )
    violated = _violating(plan, verdict, ENFORCE)
    return Decision(
        admitted=False,
        tier=tier,
        policies=policies,
        violated=tuple(one.name for one in violated),
        would_refuse=tuple(one.name for one in would),
        retry_after_s=_retry_after_s(plan, verdict),
        refusal=_refusal(plan, verdict, violated),
        degraded=is_local,
    )


def blocked(plan: Plan, tier: str) -> Decision:
    """Refused for good by policies whose limit is 0."""
    return Decision(
        admitted=False,
        tier=tier,
        policies=tuple(one.state() for one in plan.blocked),
        violated=tuple(one.name for one in plan.blocked),
        refusal="RATE_LIMITED",
    )


def unlimited(plan: Plan, tier: str, subject: str, cost: int, *, degraded: bool = False) -> Decision:
    """Admitted without being counted: nothing limits this kind of operation, or nothing does for now."""
    assert plan.kind is not None  # noqa: S101 - a look is not decided
    free = Reservation(subject, tier, plan.kind, cost, 0, is_local=True, is_settled=True, is_released=True)
    return Decision(admitted=True, tier=tier, degraded=degraded, reservation=free)


def unavailable(tier: str, closed: Sequence[Policy]) -> Decision:
    """Refused because policies that must not be guessed cannot be asked."""
    return Decision(
        admitted=False,
        tier=tier,
        violated=tuple(one.name for one in closed),
        retry_after_s=UNAVAILABLE_RETRY_S,
        refusal="RATE_LIMITER_UNAVAILABLE",
        degraded=True,
    )


def certain_s(plan: Plan, verdict: Verdict) -> float:
    """For how long the windows alone refuse: points may be credited and places given back, entries stay."""
    waits = (
        wait
        for one, wait, mode in zip(plan.policies, verdict.wait_us, plan.modes, strict=True)
        if one.shape == "window" and mode == ENFORCE
    )
    return max(waits, default=0) / 1e6


def _violating(plan: Plan, verdict: Verdict, mode: int) -> tuple[Policy, ...]:
    return tuple(one for index, one in enumerate(plan.policies) if verdict.wait_us[index] and plan.modes[index] == mode)


def _charged(policy: int | None, verdict: Verdict) -> bool:
    return policy is not None and not verdict.wait_us[policy]


def _refusal(plan: Plan, verdict: Verdict, violated: Sequence[Policy]) -> Refusal:
    if plan.bucket is not None and plan.modes[plan.bucket] == ENFORCE and verdict.wait_us[plan.bucket] == NEVER:
        return "COST_TOO_EXPENSIVE"
    if all(one.shape == "concurrency" for one in violated):
        return "CONCURRENCY_LIMITED"
    return "RATE_LIMITED"


def _retry_after_s(plan: Plan, verdict: Verdict) -> float | None:
    waits = [
        (one, wait)
        for one, wait, mode in zip(plan.policies, verdict.wait_us, plan.modes, strict=True)
        if wait and mode == ENFORCE
    ]
    if any(wait == NEVER for _, wait in waits):
        return None
    return max(CONCURRENCY_RETRY_S if one.shape == "concurrency" else wait / 1e6 for one, wait in waits)
