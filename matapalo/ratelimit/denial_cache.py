"""Refusals remembered: somebody who hammers costs a dictionary look-up, not a call to the store.

Kept only as long as the store's own exact hint, and never longer than `MAX_AGE_S`, so that a better tier or a reset
takes effect. A refusal is good for the same kind of operation of the same subject in the same tier, at the same cost;
for a cheaper one, too, when points were not what it lacked.
"""

from collections import OrderedDict

import msgspec

from matapalo.process.clock import Clock
from matapalo.ratelimit.rules.decision import Decision
from matapalo.ratelimit.rules.policy import Kind, PolicyState

MOST = 50_000
MAX_AGE_S = 5.0


class _Denial(msgspec.Struct, frozen=True):
    decision: Decision
    cost: int
    lacks_points: bool
    since_s: float
    until_s: float

    def holds(self, tier: str, cost: int | None, now_s: float) -> bool:
        if now_s >= self.until_s or self.decision.tier != tier:
            return False
        return cost is None or cost == self.cost or (cost < self.cost and not self.lacks_points)


class Denials:
    """The last ``most`` refusals."""

    def __init__(self, clock: Clock, *, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._kept: OrderedDict[tuple[str, Kind], _Denial] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, subject: str, kind: Kind, decision: Decision, *, cost: int, certain_s: float) -> None:
        """Refused for ``certain_s`` from now, whatever else happens."""
        now_s = self._clock.monotonic_s()
        lacks_points = any(one.unit == "points" and one.name in decision.violated for one in decision.policies)
        until_s = now_s + min(certain_s, MAX_AGE_S)
        self._kept[subject, kind] = _Denial(decision, cost, lacks_points, now_s, until_s)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def find(self, subject: str, kind: Kind, tier: str, cost: int | None = None) -> Decision | None:
        """The refusal that still stands, its times brought to now. Without a ``cost``, whatever the cost would be."""
        denial = self._kept.get((subject, kind))
        if denial is None:
            return None
        now_s = self._clock.monotonic_s()
        if not denial.holds(tier, cost, now_s):
            if now_s >= denial.until_s:
                del self._kept[subject, kind]
            return None
        return _later(denial.decision, now_s - denial.since_s)

    def forget(self, subject: str) -> None:
        """All refusals of a subject."""
        for key in [key for key in self._kept if key[0] == subject]:
            del self._kept[key]

    def clear(self) -> None:
        """All refusals."""
        self._kept.clear()


def _later(refused: Decision, elapsed_s: float) -> Decision:
    wait_s = refused.retry_after_s
    return Decision(
        admitted=False,
        tier=refused.tier,
        policies=tuple([_aged(one, elapsed_s) for one in refused.policies]),
        violated=refused.violated,
        would_refuse=refused.would_refuse,
        retry_after_s=None if wait_s is None else max(0.0, wait_s - elapsed_s),
        refusal=refused.refusal,
    )


def _aged(one: PolicyState, elapsed_s: float) -> PolicyState:
    if not one.reset_s:
        return one
    reset_s = max(0.0, one.reset_s - elapsed_s)
    return PolicyState(
        one.name, one.unit, one.limit, one.window_s, one.remaining, reset_s, one.restore_per_s, one.shadow
    )
