"""What the limiter answers: values only. Times are seconds from now, amounts are whole units of their policy.

A *policy* is one promise with a name (`minute`, `cost`, `concurrency`): for the headers, `limit` is `q`, `window_s` is
`w`, `remaining` is `r` and `reset_s` is `t` of draft-ietf-httpapi-ratelimit-headers.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from matapalo.ratelimit.rules.policy import ENFORCE, NOT_ASKED, SHADOW, Kind, Plan, Policy, PolicyState
from matapalo.ratelimit.rules.state import Verdict
from matapalo.ratelimit.rules.window import NEVER

Refusal = Literal["RATE_LIMITED", "CONCURRENCY_LIMITED", "COST_TOO_EXPENSIVE", "RATE_LIMITER_UNAVAILABLE"]


class RateLimitReservation(msgspec.Struct, gc=False, eq=False):
    """What an admitted operation holds until `Limiter.settle` (its points) and `release` (its place).

    Mutable in one respect: each of the two is given back at most once. ``taken_at_us`` is the store's clock.
    ``is_local``: given out by this process alone, while the store was away.
    """

    subject: str
    tier: str
    kind: Kind
    cost: int
    taken_at_us: int
    is_local: bool = False
    is_settled: bool = False
    is_released: bool = False


class Decision(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Whether an operation may run, and why not.

    ``violated`` names every policy that refuses it. ``retry_after_s`` is exact: the same request, alone, is admitted
    then and not before; None when it is admitted, or never can be. ``would_refuse`` names violated shadow policies.
    ``degraded``: the store was not reached, the verdict is this process' own and `RateLimit` headers are left out.
    """

    admitted: bool
    tier: str
    policies: tuple[PolicyState, ...] = ()
    violated: tuple[str, ...] = ()
    would_refuse: tuple[str, ...] = ()
    retry_after_s: float | None = None
    refusal: Refusal | None = None
    degraded: bool = False
    reservation: RateLimitReservation | None = None

    @property
    def tightest(self) -> PolicyState | None:
        """The policy with the smallest share of its limit left, for the `X-RateLimit-*` headers; shadows aside.

        The places of concurrent operations only count when they are what refuses: an operation always holds its own.
        """
        enforced = [
            one
            for one in self.policies
            if not one.shadow and (one.unit != "concurrent-requests" or one.name in self.violated)
        ]
        return min(enforced, key=lambda one: one.remaining / one.limit if one.limit else 0.0, default=None)

    def policy(self, name: str) -> PolicyState | None:
        """The policy called ``name``; None when the tier does not limit it."""
        return next((one for one in self.policies if one.name == name), None)


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
        reservation = RateLimitReservation(
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
    free = RateLimitReservation(subject, tier, plan.kind, cost, 0, is_local=True, is_settled=True, is_released=True)
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
