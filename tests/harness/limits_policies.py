"""Policies and tiers as tests name them. Times in microseconds."""

from collections.abc import Iterable

from benchmarks.traffic import S
from matapalo.ratelimit.rules.bucket import CostBucket
from matapalo.ratelimit.rules.policy import Kind, OnError, Policy, PolicyState
from matapalo.ratelimit.rules.window import StrictWindow
from matapalo.ratelimit.tiers import TIERS, TierSet

OPERATIONS: frozenset[Kind] = frozenset({"query", "mutation", "subscription"})


def requests(
    name: str, limit: int, window_s: int, *, precision: int = 10, shadow: bool = False, on_error: OnError = "local"
) -> Policy:
    """At most ``limit`` operations in any ``window_s``."""
    rule = StrictWindow(limit, window_s * S, precision)
    return Policy(name=name, shape="window", rule=rule, counts=OPERATIONS, shadow=shadow, on_error=on_error)


def points(capacity: int, restore_per_s: int, *, shadow: bool = False, on_error: OnError = "local") -> Policy:
    """A cost bucket of ``capacity`` points."""
    rule = CostBucket(capacity, restore_per_s)
    return Policy(name="cost", shape="cost", rule=rule, counts=OPERATIONS, shadow=shadow, on_error=on_error)


def permits(limit: int, lease_s: int = 30, *, shadow: bool = False, on_error: OnError = "local") -> Policy:
    """At most ``limit`` operations at once."""
    rule = StrictWindow(limit, lease_s * S)
    counts: frozenset[Kind] = OPERATIONS | {"introspection"}
    return Policy(name="concurrency", shape="concurrency", rule=rule, counts=counts, shadow=shadow, on_error=on_error)


def tiers(*policies: Policy) -> TierSet:
    """The same policies for every tier."""
    return TierSet(dict.fromkeys(TIERS, policies))


def remaining(states: Iterable[PolicyState]) -> dict[str, int]:
    """What remains of each policy."""
    return {state.name: state.remaining for state in states}
