"""The decision: whether an operation may run, and why not. Values, and how they follow from a `ReserveResult`. Pure."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from matapalo.ratelimit.rules.policy import Kind, Plan, Policy, PolicyState
from matapalo.ratelimit.rules.window import NEVER
from matapalo.ratelimit.rules.wire import ENFORCE, NOT_COUNTED, SHADOW, ReserveResult

DenialCode = Literal["RATE_LIMITED", "CONCURRENCY_LIMITED", "COST_TOO_EXPENSIVE", "RATE_LIMITER_UNAVAILABLE"]

CONCURRENCY_RETRY_S = 1.0
UNAVAILABLE_RETRY_S = 1.0


class RateLimitReservation(msgspec.Struct, gc=False, eq=False):
    """What an allowed operation holds until `Limiter.settle` (its points) and `release` (its permit).

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
    """Allowed with a ``reservation``, or denied with a ``denial`` code.

    ``violated`` names every policy that denies it. ``retry_after_s`` is exact: the same request, alone, is allowed
    then and not before; None when it is allowed, or never can be. ``would_deny`` names violated shadow policies.
    ``degraded``: the store was not reached, the decision is this process' own and `RateLimit` headers are left out.
    """

    tier: str
    policies: tuple[PolicyState, ...] = ()
    violated: tuple[str, ...] = ()
    would_deny: tuple[str, ...] = ()
    retry_after_s: float | None = None
    denial: DenialCode | None = None
    degraded: bool = False
    reservation: RateLimitReservation | None = None

    @property
    def allowed(self) -> bool:
        return self.denial is None

    @property
    def tightest(self) -> PolicyState | None:
        """The policy with the smallest share of its limit left, for the `X-RateLimit-*` headers; shadows aside."""
        enforced = [
            state
            for state in self.policies
            # An operation always holds a permit of its own: they only count when they are what denies.
            if not state.shadow and (state.unit != "concurrent-requests" or state.name in self.violated)
        ]
        return min(enforced, key=lambda state: state.remaining / state.limit if state.limit else 0.0, default=None)


def decide(
    plan: Plan, tier: str, subject: str, cost: int, result: ReserveResult, *, is_local: bool = False
) -> Decision:
    """From what the store (or, ``is_local``, this process) says to the decision."""
    assert plan.kind is not None  # noqa: S101 - reading the state decides nothing
    states = policy_states(plan, result)
    violations = _violations(plan, result) if any(result.wait_us) else []
    would_deny = tuple([policy.name for policy, mode, _ in violations if mode == SHADOW])
    if result.allowed:
        reservation = RateLimitReservation(
            subject=subject,
            tier=tier,
            kind=plan.kind,
            cost=cost,
            taken_at_us=result.moment_us,
            is_local=is_local,
            # What a violated shadow policy did not charge is not there to be given back.
            is_settled=not _charged(plan.bucket_index, result),
            is_released=not _charged(plan.lease_index, result),
        )
        return Decision(tier=tier, policies=states, would_deny=would_deny, degraded=is_local, reservation=reservation)
    denying = [(policy, wait_us) for policy, mode, wait_us in violations if mode == ENFORCE]
    return Decision(
        tier=tier,
        policies=states,
        violated=tuple([policy.name for policy, _ in denying]),
        would_deny=would_deny,
        retry_after_s=_retry_after_s(denying),
        denial=_denial(denying),
        degraded=is_local,
    )


def blocked(plan: Plan, tier: str) -> Decision:
    """Denied for good by policies whose limit is 0."""
    return Decision(
        tier=tier,
        policies=tuple(policy.state() for policy in plan.blocked),
        violated=tuple(policy.name for policy in plan.blocked),
        denial="RATE_LIMITED",
    )


def unlimited(plan: Plan, tier: str, subject: str, cost: int, *, degraded: bool = False) -> Decision:
    """Allowed without being counted: nothing limits this kind of operation, or nothing does for now."""
    assert plan.kind is not None  # noqa: S101 - reading the state decides nothing
    free = RateLimitReservation(subject, tier, plan.kind, cost, 0, is_local=True, is_settled=True, is_released=True)
    return Decision(tier=tier, degraded=degraded, reservation=free)


def unavailable(tier: str, closed: Sequence[Policy]) -> Decision:
    """Denied, because policies that must not be guessed cannot be checked."""
    return Decision(
        tier=tier,
        violated=tuple(policy.name for policy in closed),
        retry_after_s=UNAVAILABLE_RETRY_S,
        denial="RATE_LIMITER_UNAVAILABLE",
        degraded=True,
    )


def policy_states(plan: Plan, result: ReserveResult, *, uncounted: bool = False) -> tuple[PolicyState, ...]:
    """How the policies stand that count this kind of operation, or (``uncounted``) all."""
    rows = zip(plan.used_up, plan.modes, result.remaining, result.reset_us, strict=True)
    return tuple(
        [
            msgspec.structs.replace(state, remaining=remaining, reset_s=reset_us / 1e6)
            for state, mode, remaining, reset_us in rows
            if uncounted or mode != NOT_COUNTED
        ]
    )


def certain_s(plan: Plan, result: ReserveResult) -> float:
    """For how long the windows alone deny: points may be credited and permits given back, entries stay."""
    waits = (
        wait_us
        for policy, mode, wait_us in zip(plan.policies, plan.modes, result.wait_us, strict=True)
        if policy.shape == "window" and mode == ENFORCE
    )
    return max(waits, default=0) / 1e6


def _violations(plan: Plan, result: ReserveResult) -> list[tuple[Policy, int, int]]:
    """The policies that would deny it, with mode and wait."""
    rows = zip(plan.policies, plan.modes, result.wait_us, strict=True)
    return [(policy, mode, wait_us) for policy, mode, wait_us in rows if wait_us]


def _charged(index: int | None, result: ReserveResult) -> bool:
    return index is not None and not result.wait_us[index]


def _denial(denying: Sequence[tuple[Policy, int]]) -> DenialCode:
    if any(policy.shape == "cost" and wait_us == NEVER for policy, wait_us in denying):
        return "COST_TOO_EXPENSIVE"
    if all(policy.shape == "concurrency" for policy, _ in denying):
        return "CONCURRENCY_LIMITED"
    return "RATE_LIMITED"


def _retry_after_s(denying: Sequence[tuple[Policy, int]]) -> float | None:
    if any(wait_us == NEVER for _, wait_us in denying):
        return None
    # A permit comes back when an operation ends, which may be long before its lease runs out.
    return max(CONCURRENCY_RETRY_S if policy.shape == "concurrency" else wait_us / 1e6 for policy, wait_us in denying)
