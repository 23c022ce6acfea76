"""Traffic for judging limiters on simulated time, and what an exact log of a window would allow.

Moments are microseconds since 1970.
"""

import random
from collections import deque
from collections.abc import Sequence

S = 1_000_000
NOON = 1_772_366_400 * S
LIMIT, WINDOW_US = 100, 60 * S
HOUR_S = 3600


def poisson(times_the_limit: float, seed: int) -> list[int]:
    """An hour of independent requests."""
    dice, at_s, moments = random.Random(seed), 0.0, []  # noqa: S311 - moments, not secrets
    while (at_s := at_s + dice.expovariate(times_the_limit * LIMIT / 60)) < HOUR_S:
        moments.append(NOON + int(at_s * S))
    return moments


def bursts(seed: int) -> list[int]:
    """Silence, and then many at once, in random phase."""
    dice = random.Random(seed)  # noqa: S311 - moments, not secrets
    moments: list[int] = []
    at_us = NOON
    while at_us < NOON + HOUR_S * S:
        moments += [at_us + dice.randrange(S // 2) for _ in range(dice.randrange(20, 250))]
        at_us += dice.randrange(5 * S, 90 * S)
    return sorted(moments)


def aligned_attack() -> list[int]:
    """Everything at the end of one window, and as much as it can get in the next; then the same again.

    The first of each turn opens the window of limiters that begin it with a request. Counters by the clock admit twice
    the limit, and so do those that weigh the last window, which believe that it was used evenly.
    """
    moments: list[int] = []
    for turn in range(20):
        start_us = NOON + 3 * turn * WINDOW_US
        end_us = start_us + WINDOW_US
        moments += [start_us, *range(end_us - 100_000, end_us - 100_000 + 2 * LIMIT)]
        moments += range(end_us + 1_000, end_us + WINDOW_US - 200_000, 150_000)
    return moments


def hammering() -> list[int]:
    """Ten times the limit, evenly, without ever waiting."""
    return [NOON + index * WINDOW_US // (10 * LIMIT) for index in range(60 * 10 * LIMIT)]


def all_traffic() -> dict[str, list[int]]:
    """Each kind by its name."""
    return {
        "Poisson 1.2x": poisson(1.2, seed=1),
        "Poisson 3x": poisson(3, seed=2),
        "bursts": bursts(seed=3),
        "aligned attacker": aligned_attack(),
        "hammering 10x": hammering(),
    }


def allowed_by_log(limit: int, window_us: int, requests_us: Sequence[int]) -> list[int]:
    """Which an exact log lets through: it forgets each entry ``window_us`` after it."""
    log: deque[int] = deque()
    through = []
    for now_us in requests_us:
        while log and log[0] <= now_us - window_us:
            log.popleft()
        if len(log) < limit:
            log.append(now_us)
            through.append(now_us)
    return through


def worst_window(moments: Sequence[int], window_us: int) -> int:
    """The most of ``moments`` in any stretch of ``window_us`` (half open)."""
    inside: deque[int] = deque()
    worst = 0
    for now_us in moments:
        while inside and inside[0] <= now_us - window_us:
            inside.popleft()
        inside.append(now_us)
        worst = max(worst, len(inside))
    return worst
