"""The limiter's store in memory: the pure rules behind the same calls, on a clock that tests move.

It passes the suite of the real ones (tests/harness/limits_contract.py), and counts what it was asked.
"""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
from prometheus_client import CollectorRegistry

from matapalo.process.clock import Clock
from matapalo.ratelimit.limiter import Limiter
from matapalo.ratelimit.metrics import LimiterMetrics
from matapalo.ratelimit.rules import state as states
from matapalo.ratelimit.rules.bucket import CostBucket
from matapalo.ratelimit.rules.policy import Plan, Policy
from matapalo.ratelimit.rules.state import Claim
from matapalo.ratelimit.rules.window import StrictWindow
from matapalo.ratelimit.store.ports import Call, Store, StoreUnavailable
from matapalo.ratelimit.tiers import TierSet, packaged
from tests.harness.clock import FakeClock


@dataclasses.dataclass(frozen=True)
class Numbered:
    """A policy as the scripts know it."""

    section: int
    rule: StrictWindow | CostBucket


class MemoryStore:
    """``is_away``: raises as a store that cannot be reached. ``skew_s``: how far its clock is from the process'."""

    def __init__(self, clock: Clock) -> None:
        self.values: dict[str, bytes] = {}
        self.config: dict[str, bytes] = {}
        self.asked: Counter[str] = Counter()
        self.batches: list[int] = []
        self.is_away = False
        self.skew_s = 0.0
        self._clock = clock

    async def run(self, calls: Sequence[Call]) -> Sequence[Any]:
        self._check()
        self.batches.append(len(calls))
        return [self._answer(call) for call in calls]

    async def delete(self, key: str) -> bool:
        self._check()
        return self.values.pop(key, None) is not None

    async def fields(self, *names: str) -> list[bytes | None]:
        self._check()
        return [self.config.get(name) for name in names]

    async def publish(self, fields: Mapping[str, str | None], *, counter: str) -> None:
        self._check()
        for name, value in fields.items():
            if value is None:
                self.config.pop(name, None)
            else:
                self.config[name] = value.encode()
        self.config[counter] = b"%d" % (int(self.config.get(counter, b"0")) + 1)

    async def aclose(self) -> None:
        self.is_away = True

    def now_us(self) -> int:
        return int((self._clock.now().timestamp() + self.skew_s) * 1e6)

    def _check(self) -> None:
        if self.is_away:
            raise StoreUnavailable("the test says so")

    def _answer(self, call: Call) -> Any:
        self.asked[call.script] += 1
        raw = self.values.get(call.key)
        state = None if raw is None else states.decode(raw)
        answer, after = getattr(self, f"_{call.script}")(state, *call.arguments)
        if after is not None:
            self.values[call.key] = states.encode(after)
        return answer

    def _reserve(self, state: states.State | None, packed: bytes, cost: int) -> Any:
        verdict, after = states.reserve(plan_of(packed), state, self.now_us(), cost)
        return answer_of(verdict), after

    def _settle(self, state: states.State | None, *numbers: int) -> Any:
        after = states.settle(claim_of(*numbers), state, self.now_us())
        return int(after is not None), after

    def _renew(self, state: states.State | None, packed: bytes, index: int, taken_us: int) -> Any:
        plan = plan_of(packed)
        return states.renew(plan, plan.policies[index], state, self.now_us(), taken_us)


def answer_of(verdict: states.Verdict) -> list[int]:
    """As the script `reserve` answers."""
    each = zip(verdict.remaining, verdict.reset_us, verdict.wait_us, strict=True)
    return [int(verdict.admitted), verdict.moment_us, *(number for policy in each for number in policy)]


def plan_of(packed: bytes) -> Plan:
    """The plan that the scripts see."""
    numbers = msgspec.msgpack.decode(packed, type=list[int])
    rows = [numbers[start : start + 6] for start in range(0, len(numbers), 6)]
    policies = tuple(cast(Policy, Numbered(row[1], _rule(*row))) for row in rows)
    return Plan(policies, "query", tuple(row[5] for row in rows), packed, (), None, None, ())


def claim_of(taken_us: int, bucket: int, rate: int, unused: int, place: int, step_us: int, precision: int) -> Claim:
    """What the script `settle` is told."""
    points = Numbered(bucket, CostBucket(0, rate)) if bucket else None
    lease = Numbered(place, StrictWindow(0, step_us * precision, precision)) if place else None
    return Claim(taken_us, unused, cast(Policy | None, points), cast(Policy | None, lease))


def _rule(shape: int, _section: int, limit: int, step: int, precision: int, _mode: int) -> StrictWindow | CostBucket:
    return StrictWindow(limit, step * precision, precision) if shape == 1 else CostBucket(limit, step)


def new_limiter(
    store: Store, clock: Clock, tiers: TierSet | None = None, *, timeout_s: float = 0.05, replicas: int = 1
) -> Limiter:
    """A limiter on ``store``, with metrics of its own."""
    metrics = LimiterMetrics(CollectorRegistry())
    return Limiter(tiers or packaged(), store, clock, metrics=metrics, timeout_s=timeout_s, replicas=replicas)


def memory_limiter(
    tiers: TierSet | None = None, *, store: MemoryStore | None = None, clock: Clock | None = None, replicas: int = 1
) -> Limiter:
    """A limiter that needs no engine."""
    clock = clock or FakeClock()
    return new_limiter(store or MemoryStore(clock), clock, tiers, replicas=replicas)
