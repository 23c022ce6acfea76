"""Policies as tests name them, and arrivals as clients make them. Times in microseconds."""

import random
from collections import deque
from collections.abc import Sequence

from bff.ratelimit import window
from bff.ratelimit.bucket import CostBucket
from bff.ratelimit.decision import Kind
from bff.ratelimit.policy import OnError, Policy
from bff.ratelimit.window import StrictWindow

S = 1_000_000
OPERATIONS: frozenset[Kind] = frozenset({"query", "mutation", "subscription"})
NOON = 1_772_366_400 * S


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


def admitted_by_log(limit: int, window_us: int, arrivals: Sequence[int]) -> list[int]:
    """Which an exact log lets through: it forgets each entry ``window_us`` after it."""
    log: deque[int] = deque()
    through = []
    for now_us in arrivals:
        while log and log[0] <= now_us - window_us:
            log.popleft()
        if len(log) < limit:
            log.append(now_us)
            through.append(now_us)
    return through


def worst_window(times: Sequence[int], window_us: int) -> int:
    """The most entries in any stretch of ``window_us`` (half open)."""
    inside: deque[int] = deque()
    worst = 0
    for now_us in times:
        while inside and inside[0] <= now_us - window_us:
            inside.popleft()
        inside.append(now_us)
        worst = max(worst, len(inside))
    return worst


def poisson(rate_per_s: float, for_s: float, seed: int) -> list[int]:
    """Independent arrivals."""
    dice, at_s, times = random.Random(seed), 0.0, []  # noqa: S311 - arrivals, not secrets
    while (at_s := at_s + dice.expovariate(rate_per_s)) < for_s:
        times.append(NOON + int(at_s * S))
    return times
