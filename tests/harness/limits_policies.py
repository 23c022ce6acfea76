"""Policies as tests name them. Times in microseconds."""

from collections.abc import Sequence

from benchmarks.traffic import S
from matapalo.ratelimit.rules import window
from matapalo.ratelimit.rules.bucket import CostBucket
from matapalo.ratelimit.rules.policy import Kind, OnError, Policy
from matapalo.ratelimit.rules.window import StrictWindow

OPERATIONS: frozenset[Kind] = frozenset({"query", "mutation", "subscription"})


def requests(
    name: str, limit: int, window_s: int, *, precision: int = 10, shadow: bool = False, on_error: OnError = "local"
) -> Policy:
    """At most ``limit`` operations in any ``window_s``."""
    rule = StrictWindow(limit, window_s * S, precision)
    return Policy(name=name, shape="window", rule=rule, counts=OPERATIONS, shadow=shadow, on_error=on_error)


def points(capacity: int, restore_per_s: int, *, shadow: bool = False, on_error: OnError = "local") -> Policy:
    """The cost bucket."""
    rule = CostBucket(capacity, restore_per_s)
    return Policy(name="cost", shape="cost", rule=rule, counts=OPERATIONS, shadow=shadow, on_error=on_error)


def places(limit: int, lease_s: int = 30, *, shadow: bool = False, on_error: OnError = "local") -> Policy:
    """Concurrent operations."""
    rule = StrictWindow(limit, lease_s * S)
    counts: frozenset[Kind] = OPERATIONS | {"introspection"}
    return Policy(name="concurrency", shape="concurrency", rule=rule, counts=counts, shadow=shadow, on_error=on_error)


def admitted(rule: StrictWindow, arrivals: Sequence[int]) -> list[int]:
    """Which of ``arrivals`` the strict window lets through."""
    ring, at_us, through = window.empty(rule), 0, []
    for now_us in arrivals:
        ring, at_us = window.aged(rule, ring, at_us, now_us), now_us
        if window.wait_us(rule, ring, now_us) == 0:
            ring[0] += 1
            through.append(now_us)
    return through
