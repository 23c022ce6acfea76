"""What limiters allow of the same traffic, on simulated time: ours, and the libraries' own code on their memory stores.

Two figures a cell: allowed, of what an exact log of the window would have allowed; and the worst rolling window, of
the limit. The second must never exceed 1. Ours is also held to its own promises: at least what an exact log of a window
a tenth longer allows, and a hint at which the request is allowed, and a microsecond before which it is not.
"""

import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import limits.storage.memory
import throttled.utils
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter, RateLimiter, SlidingWindowCounterRateLimiter
from throttled import MemoryStore as ThrottledStore
from throttled import Throttled, rate_limiter

from benchmarks.traffic import LIMIT, WINDOW_US, S, all_traffic, allowed_by_log, worst_window
from matapalo.ratelimit.rules import window
from matapalo.ratelimit.rules.window import StrictWindow

RULE = StrictWindow(LIMIT, WINDOW_US)


class SimulatedTime(types.SimpleNamespace):
    """Instead of the module `time`."""

    def __init__(self) -> None:
        super().__init__(now_us=0)

    def time(self) -> float:
        return float(self.now_us / S)

    monotonic = time


@dataclass(frozen=True, slots=True)
class Accuracy:
    """One contestant under one kind of traffic."""

    allowed_share: float
    worst_share: float


def measured() -> dict[str, dict[str, Accuracy]]:
    """Contestant → traffic → figures."""
    traffic = all_traffic()
    exact = {name: allowed_by_log(LIMIT, WINDOW_US, moments) for name, moments in traffic.items()}
    figures: dict[str, dict[str, Accuracy]] = {}
    for contestant, allow in CONTESTANTS.items():
        figures[contestant] = {}
        for name, moments in traffic.items():
            through = allow(moments)
            worst = worst_window(through, WINDOW_US) / LIMIT
            figures[contestant][name] = Accuracy(len(through) / len(exact[name]), worst)
    return figures


def broken_promises() -> list[str]:
    """What ours did not keep; empty when all is well."""
    broken = []
    for name, moments in all_traffic().items():
        through = ours(moments)
        if worst_window(through, WINDOW_US) > LIMIT:
            broken.append(f"{name}: a window with more than the limit")
        if len(through) < len(allowed_by_log(LIMIT, RULE.lifetime_us, moments)):
            broken.append(f"{name}: less than an exact log of a longer window")
        if wrong := wrong_hints(moments):
            broken.append(f"{name}: {wrong} hints were wrong")
    return broken


def ours(moments: Sequence[int]) -> list[int]:
    """The rule of `matapalo.ratelimit.rules.window`, which the script in the store is held to."""
    return [now_us for now_us, wait_us, _ in _decided(moments) if wait_us == 0]


def wrong_hints(moments: Sequence[int]) -> int:
    """At how many denials the hint was not the first moment at which the request is allowed."""
    wrong = 0
    for now_us, wait_us, ring in _decided(moments):
        if wait_us:
            then_us = now_us + wait_us
            at_hint = window.wait_us(RULE, window.aged(RULE, ring, now_us, then_us), then_us)
            before = window.wait_us(RULE, window.aged(RULE, ring, now_us, then_us - 1), then_us - 1)
            wrong += at_hint != 0 or before != 1
    return wrong


def _decided(moments: Sequence[int]) -> Iterator[tuple[int, int, list[int]]]:
    ring, at_us = window.empty(RULE), 0
    for now_us in moments:
        ring, at_us = window.aged(RULE, ring, at_us, now_us), now_us
        wait_us = window.wait_us(RULE, ring, now_us)
        yield now_us, wait_us, ring
        if not wait_us:
            ring[0] += 1


def _limits(strategy: type[RateLimiter]) -> Callable[[Sequence[int]], list[int]]:
    def allow(moments: Sequence[int]) -> list[int]:
        with _simulated_time(limits.storage.memory) as time:
            time.now_us = moments[0]
            limiter, item = strategy(MemoryStorage()), parse(f"{LIMIT}/minute")
            through = []
            for now_us in moments:
                time.now_us = now_us
                if limiter.hit(item, "a client"):
                    through.append(now_us)
            return through

    return allow


def _throttled(using: str) -> Callable[[Sequence[int]], list[int]]:
    def allow(moments: Sequence[int]) -> list[int]:
        with _simulated_time(throttled.utils) as time:
            limiter = Throttled(
                key="a client", using=using, quota=rate_limiter.per_min(LIMIT, burst=LIMIT), store=ThrottledStore()
            )
            through = []
            for now_us in moments:
                time.now_us = now_us
                if not limiter.limit().limited:
                    through.append(now_us)
            return through

    return allow


@contextmanager
def _simulated_time(module: types.ModuleType) -> Iterator[SimulatedTime]:
    real, simulated = module.time, SimulatedTime()
    module.time = simulated  # type: ignore[attr-defined]
    try:
        yield simulated
    finally:
        module.time = real  # type: ignore[attr-defined]


CONTESTANTS: dict[str, Callable[[Sequence[int]], list[int]]] = {
    "ours": ours,
    "limits, sliding counter": _limits(SlidingWindowCounterRateLimiter),
    "limits, moving window": _limits(MovingWindowRateLimiter),
    "throttled, GCRA": _throttled("gcra"),
    "throttled, sliding window": _throttled("sliding_window"),
}
