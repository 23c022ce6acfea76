"""What the limiter answers: values only. Times are seconds from now, amounts are whole units of their policy.

A *policy* is one promise with a name (`minute`, `cost`, `concurrency`): for the headers, `limit` is `q`, `window_s` is
`w`, `remaining` is `r` and `reset_s` is `t` of draft-ietf-httpapi-ratelimit-headers.
"""

from typing import Literal

import msgspec

Kind = Literal["query", "mutation", "subscription", "introspection"]
Unit = Literal["requests", "points", "concurrent-requests"]
Refusal = Literal["RATE_LIMITED", "CONCURRENCY_LIMITED", "COST_TOO_EXPENSIVE", "RATE_LIMITER_UNAVAILABLE"]


class PolicyState(msgspec.Struct, frozen=True, gc=False):
    """How one policy stands after the decision, for the subject it was asked for.

    ``window_s`` is 0 for concurrency, which has none; for the cost bucket it is the time an empty one takes to fill.
    ``reset_s``: until there is more of it, 0 when nothing is used. ``restore_per_s`` is 0 for all but the cost bucket.
    A ``shadow`` policy is watched and never refuses.
    """

    name: str
    unit: Unit
    limit: int
    window_s: int
    remaining: int
    reset_s: float
    restore_per_s: int = 0
    shadow: bool = False


class Reservation(msgspec.Struct, gc=False, eq=False):
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
    reservation: Reservation | None = None

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
