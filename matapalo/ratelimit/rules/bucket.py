"""The cost bucket: points that restore steadily, with room for bursts of ``capacity``. Pure; its twin is bucket.lua.

A token bucket, as GCRA in its level form (ITU-T I.371 has both, equivalent): stored is the *debt*, in millionths of a
point, so that a restore rate in points per second drains it by whole numbers per microsecond, and a changed rate keeps
the points. In any stretch of ``w`` seconds at most ``capacity + restore_per_s · w`` points are spent.
"""

from typing import NamedTuple

import msgspec

from matapalo.ratelimit.rules.window import NEVER

MICRO = 1_000_000
MEMORY_US = 1_000_000
"""How long at least it is known how low the debt was: longer than most operations run."""


class CostBucket(msgspec.Struct, frozen=True):
    """``capacity`` ≥ 0 points, ``restore_per_s`` ≥ 1 point a second."""

    capacity: int
    restore_per_s: int

    @property
    def fill_s(self) -> int:
        """How long an empty bucket takes to fill, rounded up."""
        return -(-self.capacity // self.restore_per_s)


class Level(NamedTuple):
    """``debt`` as of the moment the state was written, and how low it has been of late.

    ``low`` is its minimum since ``since_us``, ``low_before`` that between ``before_us`` and ``since_us``.
    """

    debt: int
    low: int
    low_before: int
    since_us: int
    before_us: int


def full(now_us: int) -> Level:
    """A bucket of which nothing was spent."""
    return Level(0, 0, 0, now_us, now_us)


def aged(rule: CostBucket, level: Level, at_us: int, now_us: int) -> Level:
    """The level written at ``at_us`` as it is at ``now_us`` (not before it)."""
    debt = max(0, level.debt - rule.restore_per_s * (now_us - at_us))
    low = min(level.low, debt)
    if now_us - level.since_us < MEMORY_US:
        return Level(debt, low, level.low_before, level.since_us, level.before_us)
    return Level(debt, debt, low, now_us, level.since_us)


def wait_us(rule: CostBucket, debt: int, cost: int) -> int:
    """Until ``cost`` points are there, if no other operation takes them: 0 at once, `NEVER` above the capacity."""
    missing = debt + (cost - rule.capacity) * MICRO
    if cost <= 0 or missing <= 0:
        return 0
    if cost > rule.capacity:
        return NEVER
    return -(-missing // rule.restore_per_s)


def remaining(rule: CostBucket, debt: int) -> int:
    """Whole points that can be spent now."""
    return max(0, (rule.capacity * MICRO - debt) // MICRO)


def reset_us(rule: CostBucket, debt: int) -> int:
    """Until there is a whole point more; 0 when it is full."""
    if debt <= 0:
        return 0
    free = rule.capacity * MICRO - debt
    return -(-((remaining(rule, debt) + 1) * MICRO - free) // rule.restore_per_s)


def credited(rule: CostBucket, level: Level, at_us: int, now_us: int, taken_us: int, unused: int) -> Level:
    """The level, still as of ``at_us``, when at ``now_us`` ``unused`` points come back of those taken at ``taken_us``.

    What time has restored of them while the operation ran is not given a second time, or slow operations could spend
    more than the bucket promises (docs/decisions/0021).
    """
    # Without the unused points the bucket would have been full only where the debt was below them: so as much as its
    # minimum since then surely comes back. A reservation from before the minima are known gets what `surely` says.
    low = 0
    if taken_us >= level.since_us:
        low = level.low
    elif taken_us >= level.before_us:
        low = min(level.low, level.low_before)
    low = min(low, max(0, level.debt - rule.restore_per_s * (now_us - at_us)))
    # Never is more lost than time can have restored.
    surely = unused * MICRO - rule.restore_per_s * (now_us - taken_us)
    credit = max(0, min(unused * MICRO, max(low, surely)))
    return Level(
        debt=max(0, level.debt - credit),
        low=max(0, level.low - credit),
        low_before=max(0, level.low_before - credit),
        since_us=level.since_us,
        before_us=level.before_us,
    )
