"""The strict sliding window: at most ``limit`` entries in *any* stretch of ``window_us``. Pure; its twin is window.lua.

Time is cut into sub-buckets of ``window_us / precision``. A ring holds the counts of the current sub-bucket and of the
``precision`` before it, newest first; the oldest, of which only a part still lies inside the window, counts whole. So
the limit holds wherever the window is laid, and a client gets no less than an exact log of ``window · (1 +
1/precision)`` would give. (Weighting the oldest sub-bucket, as sliding counters do, lets an aligned burst have up to
twice the limit.)

A ring means something together with the moment it was written: ``aged`` brings it to a later one. All integers.
"""

from collections.abc import Sequence

import msgspec

NEVER = -1


class StrictWindow(msgspec.Struct, frozen=True):
    """``limit`` ≥ 0; ``window_us`` and ``precision`` ≥ 1."""

    limit: int
    window_us: int
    precision: int = 10

    @property
    def step_us(self) -> int:
        """Width of a sub-bucket, rounded up: a window may be a little wider than promised, never narrower."""
        return -(-self.window_us // self.precision)

    @property
    def lifetime_us(self) -> int:
        """How long an entry counts at most."""
        return self.step_us * (self.precision + 1)


def empty(rule: StrictWindow) -> list[int]:
    return [0] * (rule.precision + 1)


def aged(rule: StrictWindow, ring: Sequence[int], at_us: int, now_us: int) -> list[int]:
    """The ring written at ``at_us`` as it is at ``now_us`` (not before it)."""
    steps = min(now_us // rule.step_us - at_us // rule.step_us, rule.precision + 1)
    return [0] * steps + list(ring[: rule.precision + 1 - steps])


def wait_us(rule: StrictWindow, ring: Sequence[int], now_us: int) -> int:
    """Until one more entry fits, if no other request takes it: 0 at once, `NEVER` when the limit is 0."""
    surplus = sum(ring) + 1 - rule.limit
    if surplus <= 0:
        return 0
    if rule.limit < 1:
        return NEVER
    age = rule.precision + 1
    while surplus > 0:
        age -= 1
        surplus -= ring[age]
    return leaves_us(rule, age, now_us) - now_us


def reset_us(rule: StrictWindow, ring: Sequence[int], now_us: int) -> int:
    """Until the oldest entries leave; 0 when there are none."""
    for age in range(rule.precision, -1, -1):
        if ring[age]:
            return leaves_us(rule, age, now_us) - now_us
    return 0


def leaves_us(rule: StrictWindow, age: int, now_us: int) -> int:
    """The moment from which the sub-bucket ``age`` steps behind the current one counts no more."""
    return (now_us // rule.step_us - age + rule.precision + 1) * rule.step_us
