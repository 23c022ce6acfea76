"""The limiter's store in memory: the pure rules behind the same calls, on a clock that tests move.

It passes the contract of the real ones (tests/harness/limits_contract.py), and counts its calls.
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
from matapalo.ratelimit.rules import state as rules
from matapalo.ratelimit.rules.bucket import CostBucket
from matapalo.ratelimit.rules.decision import Decision
from matapalo.ratelimit.rules.policy import Kind, Plan, Policy
from matapalo.ratelimit.rules.state import Settlement, State
from matapalo.ratelimit.rules.window import StrictWindow
from matapalo.ratelimit.rules.wire import WINDOW_SHAPE, PolicyNumbers, SettleArguments
from matapalo.ratelimit.store.ports import Call, Store, StoreUnavailable
from matapalo.ratelimit.tiers import TierSet, packaged
from tests.harness.clock import FakeClock
from tests.harness.limits_policies import tiers
from tests.harness.limits_value import decode, encode, numbers_of

SUBJECT = "user:cust_0001"


@dataclasses.dataclass(frozen=True)
class ScriptPolicy:
    """A policy as the scripts know it."""

    section: int
    rule: StrictWindow | CostBucket


class MemoryStore:
    """``is_away``: raises as a store that cannot be reached. ``skew_s``: how far its clock is from the process'."""

    def __init__(self, clock: Clock) -> None:
        self.values: dict[str, bytes] = {}
        self.config: dict[str, bytes] = {}
        self.calls: Counter[str] = Counter()
        self.batches: list[int] = []
        self.is_away = False
        self.skew_s = 0.0
        self._clock = clock

    async def run(self, calls: Sequence[Call]) -> Sequence[Any]:
        self._check()
        self.batches.append(len(calls))
        return [self._run(call) for call in calls]

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

    def _run(self, call: Call) -> Any:
        self.calls[call.script] += 1
        raw = self.values.get(call.key)
        state = None if raw is None else decode(raw)
        result, after = getattr(self, f"_{call.script}")(state, *call.arguments)
        if after is not None:
            self.values[call.key] = encode(after)
        return result

    def _reserve(self, state: State | None, packed: bytes, cost: int) -> Any:
        result, after = rules.reserve(plan_of(packed), state, self.now_us(), cost)
        return numbers_of(result), after

    def _settle(self, state: State | None, *numbers: int) -> Any:
        after = rules.settle(settlement_of(SettleArguments(*numbers)), state, self.now_us())
        return int(after is not None), after

    def _renew(self, state: State | None, packed: bytes, index: int, taken_us: int) -> Any:
        plan = plan_of(packed)
        return rules.renew(plan, plan.policies[index], state, self.now_us(), taken_us)


def plan_of(packed: bytes) -> Plan:
    """The plan that the scripts see."""
    numbers = iter(msgspec.msgpack.decode(packed, type=list[int]))
    rows = list(map(PolicyNumbers, *[numbers] * len(PolicyNumbers._fields)))
    policies = tuple(cast(Policy, ScriptPolicy(row.section, _rule(row))) for row in rows)
    return Plan(policies, "query", tuple(row.mode for row in rows), packed, (), None, None, ())


def settlement_of(arguments: SettleArguments) -> Settlement:
    """The settlement that the script `settle` sees."""
    window = StrictWindow(0, arguments.step_us * arguments.precision, max(1, arguments.precision))
    bucket = ScriptPolicy(arguments.bucket_section, CostBucket(0, arguments.restore_per_s))
    lease = ScriptPolicy(arguments.lease_section, window)
    return Settlement(
        arguments.taken_us,
        arguments.unused,
        cast(Policy, bucket) if arguments.bucket_section else None,
        cast(Policy, lease) if arguments.lease_section else None,
    )


def _rule(row: PolicyNumbers) -> StrictWindow | CostBucket:
    if row.shape == WINDOW_SHAPE:
        return StrictWindow(row.limit, row.step * row.precision, row.precision)
    return CostBucket(row.limit, row.step)


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


class LimiterHarness:
    """A limiter on a store in memory, and their clock."""

    def __init__(self, *policies: Policy, replicas: int = 1) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(self.clock)
        chosen = tiers(*policies) if policies else None
        self.limiter = memory_limiter(chosen, store=self.store, clock=self.clock, replicas=replicas)

    async def reserve(self, subject: str = SUBJECT, *, cost: int = 1, kind: Kind = "query") -> Decision:
        return await self.limiter.reserve(subject, "free", cost=cost, kind=kind)

    async def allowed(self, times: int, subject: str = SUBJECT, *, cost: int = 1) -> int:
        """How many of ``times`` operations are allowed."""
        return sum([(await self.reserve(subject, cost=cost)).allowed for _ in range(times)])
