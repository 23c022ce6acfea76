"""Latencies as Envoy counts them: how many requests in which bucket, windowed by subtraction. Pure.

A histogram maps the lower bound of a bucket, in whole milliseconds, to its count. Envoy's buckets have two significant
digits (…, 9, 10, 11, …, 99, 100, 110, …) and `upstream_rq_time` is in whole milliseconds, so the lower bound tells the
width. Never reset by Envoy but by its restart: what happened in a window is the difference of two readings.
"""

from collections import Counter
from collections.abc import Mapping

Histogram = Mapping[int, int]
"""Lower bound of the bucket in ms -> count."""


def width_ms(lower_ms: int) -> float:
    """How wide the bucket is that begins at ``lower_ms``."""
    if lower_ms < 10:
        return 0.1
    return float(10 ** (len(str(lower_ms)) - 2))


def total(histogram: Histogram) -> int:
    return sum(histogram.values())


def merged(*histograms: Histogram) -> dict[int, int]:
    counts: Counter[int] = Counter()
    for histogram in histograms:
        counts.update(histogram)
    return dict(counts)


def quantile_ms(histogram: Histogram, q: float) -> float | None:
    """The latency that the share ``q`` of the requests stays below, interpolated in its bucket. None when empty."""
    rank = q * total(histogram)
    passed = 0
    for lower in sorted(histogram):
        count = histogram[lower]
        if count and passed + count >= rank:
            return lower + width_ms(lower) * max(rank - passed, 0) / count
        passed += count
    return None


def above(histogram: Histogram, limit_ms: float) -> int:
    """How many requests fell into a bucket that begins at ``limit_ms`` or later."""
    return sum(count for lower, count in histogram.items() if lower >= limit_ms)


def typical_shift_ms(new: Histogram, legacy: Histogram) -> float:
    """By how much the new side is slower: the median of all differences between a new and an old request
    (Hodges-Lehmann). Negative when it is faster. Both must hold something.
    """
    weights: dict[int, int] = {}
    for slow, count in new.items():
        for fast, other in legacy.items():
            weights[slow - fast] = weights.get(slow - fast, 0) + count * other
    half = sum(weights.values()) / 2
    passed = 0
    for shift in sorted(weights):
        passed += weights[shift]
        if passed >= half:
            return float(shift)
    raise ValueError("a shift needs latencies on both sides")
