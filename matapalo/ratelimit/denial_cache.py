"""The denial cache: a client that hammers costs a dictionary look-up, not a call to the store.

An entry lives as long as the store's own exact hint, and never longer than `MAX_AGE_S`, so that a better tier or a
reset takes effect. A denial is good for the same kind of operation of the same subject in the same tier, at the same
cost; for a cheaper one, too, when points were not what was missing.
"""

import msgspec
from cachetools import LRUCache

from matapalo.process.clock import Clock
from matapalo.ratelimit.rules.decision import Decision
from matapalo.ratelimit.rules.policy import Kind

MAX_ENTRIES = 50_000
MAX_AGE_S = 5.0


class _Denial(msgspec.Struct, frozen=True):
    decision: Decision
    cost: int
    since_s: float
    until_s: float

    def holds(self, tier: str, cost: int | None, now_s: float) -> bool:
        if now_s >= self.until_s or self.decision.tier != tier:
            return False
        return cost is None or cost == self.cost or (cost < self.cost and not self._misses_points())

    def _misses_points(self) -> bool:
        states, violated = self.decision.policies, self.decision.violated
        return any(state.unit == "points" and state.name in violated for state in states)


class DenialCache:
    """The last denied decisions; the least recently used goes first."""

    def __init__(self, clock: Clock, *, max_entries: int = MAX_ENTRIES) -> None:
        self._clock = clock
        self._denials: LRUCache[tuple[str, Kind], _Denial] = LRUCache(max_entries)

    def __len__(self) -> int:
        return len(self._denials)

    def add(self, subject: str, kind: Kind, decision: Decision, *, cost: int, certain_s: float) -> None:
        """Denied for ``certain_s`` from now, whatever else happens."""
        now_s = self._clock.monotonic_s()
        self._denials[subject, kind] = _Denial(decision, cost, now_s, now_s + min(certain_s, MAX_AGE_S))

    def find(self, subject: str, kind: Kind, tier: str, cost: int | None = None) -> Decision | None:
        """The denial that still stands, its times brought to now. Without a ``cost``, whatever the cost would be."""
        denial = self._denials.get((subject, kind))
        if denial is None:
            return None
        now_s = self._clock.monotonic_s()
        return _aged(denial.decision, now_s - denial.since_s) if denial.holds(tier, cost, now_s) else None

    def forget(self, subject: str) -> None:
        """Drop all denials of one subject."""
        for key in [key for key in self._denials if key[0] == subject]:
            del self._denials[key]

    def clear(self) -> None:
        """Drop all denials of all subjects."""
        self._denials.clear()


def _aged(decision: Decision, elapsed_s: float) -> Decision:
    wait_s = decision.retry_after_s
    replace = msgspec.structs.replace
    return replace(
        decision,
        policies=tuple(
            [
                replace(state, reset_s=max(0.0, state.reset_s - elapsed_s)) if state.reset_s else state
                for state in decision.policies
            ]
        ),
        retry_after_s=None if wait_s is None else max(0.0, wait_s - elapsed_s),
    )
