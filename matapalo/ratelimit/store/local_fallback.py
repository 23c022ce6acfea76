"""The local fallback: limits of this process alone, while the store is away. The same rules, on the monotonic clock.

Warm: of each subject the last result of the store is cached, and what it had left is what it starts with. With
``replicas`` processes each gives out its share. Memory is bounded: the subject that was quiet longest goes first.
"""

from collections.abc import Sequence

import msgspec
from cachetools import LRUCache

from matapalo.process.clock import Clock
from matapalo.ratelimit.rules import state as rules
from matapalo.ratelimit.rules.bucket import MICRO, CostBucket, Level
from matapalo.ratelimit.rules.policy import Plan, Policy, plan
from matapalo.ratelimit.rules.state import Settlement, State
from matapalo.ratelimit.rules.window import StrictWindow, empty
from matapalo.ratelimit.rules.wire import ReserveResult

MAX_SUBJECTS = 10_000


class StoreResult(msgspec.Struct, frozen=True, gc=False):
    """What the store last said of a subject, and when."""

    policies: tuple[Policy, ...]
    remaining: Sequence[int]
    at_us: int


class LocalFallback:
    """States of at most ``max_subjects``, and as many last results of the store."""

    def __init__(self, clock: Clock, *, replicas: int = 1, max_subjects: int = MAX_SUBJECTS) -> None:
        self._clock = clock
        self._replicas = replicas
        self._last_results: LRUCache[str, StoreResult] = LRUCache(max_subjects)
        self._states: LRUCache[str, State] = LRUCache(max_subjects)
        self._shares: LRUCache[Plan, Plan] = LRUCache(1000)  # each change of the tiers brings new plans

    def __len__(self) -> int:
        return max(len(self._last_results), len(self._states))

    def record(self, subject: str, policies: tuple[Policy, ...], result: ReserveResult) -> None:
        """Take over what the store said just now."""
        self._last_results[subject] = StoreResult(policies, result.remaining, self._now_us())

    def forget(self, subject: str) -> None:
        self._last_results.pop(subject, None)
        self._states.pop(subject, None)

    def clear(self) -> None:
        self._last_results.clear()
        self._states.clear()

    def clear_states(self) -> None:
        """Drop what was counted here: the store decides again."""
        self._states.clear()

    def share(self, whole: Plan) -> Plan:
        """This process' share of the policies that are kept locally."""
        cached = self._shares.get(whole)
        if cached is None:
            policies = tuple(self._share(policy) for policy in whole.policies if policy.on_error == "local")
            cached = self._shares[whole] = plan(policies, whole.kind)
        return cached

    def reserve(self, subject: str, whole: Plan, cost: int) -> ReserveResult:
        """Charge all policies of ``share(whole)``, or none."""
        share = self.share(whole)
        before = self._states.get(subject) or self._warm(subject, share)
        if whole.bucket is not None and share.bucket is not None and cost <= whole.bucket.limit:
            cost = min(cost, share.bucket.limit)  # a share must not forbid for ever what the whole would allow
        result, after = rules.reserve(share, before, self._now_us(), cost)
        self._store(subject, after or before)
        return result

    def settle(self, subject: str, settlement: Settlement) -> None:
        """Give back, as the script `settle` does."""
        self._store(subject, rules.settle(settlement, self._states.get(subject), self._now_us()))

    def renew(self, subject: str, share: Plan, permits: Policy, taken_us: int) -> int:
        """Renew, as the script `renew` does."""
        moment_us, after = rules.renew(share, permits, self._states.get(subject), self._now_us(), taken_us)
        self._store(subject, after)
        return moment_us

    def _now_us(self) -> int:
        return int(self._clock.monotonic_s() * MICRO)

    def _store(self, subject: str, state: State | None) -> None:
        if state is not None:
            self._states[subject] = state

    def _warm(self, subject: str, share: Plan) -> State | None:
        last = self._last_results.get(subject)
        if last is None:
            return None
        remaining = {policy.section: left for policy, left in zip(last.policies, last.remaining, strict=True)}
        sections = {
            policy.section: self._spent(policy, remaining.get(policy.section), last.at_us) for policy in share.policies
        }
        return State(last.at_us, last.at_us, sections)

    def _spent(self, policy: Policy, remaining: int | None, at_us: int) -> list[int]:
        """As if everything that is missing had been spent at the moment the store said so: never too generous."""
        rule = policy.rule
        missing = 0 if remaining is None else max(0, policy.limit - remaining // self._replicas)
        if isinstance(rule, CostBucket):
            return list(Level(missing * MICRO, low=0, low_before=0, since_us=at_us, before_us=at_us))
        if policy.shape == "concurrency":
            return empty(rule)  # those operations end on their own, and their permits cannot be given back here
        return [missing, *empty(rule)[1:]]

    def _share(self, policy: Policy) -> Policy:
        rule = policy.rule
        if isinstance(rule, StrictWindow):
            shared: StrictWindow | CostBucket = msgspec.structs.replace(rule, limit=self._part(rule.limit))
        else:
            shared = CostBucket(self._part(rule.capacity), max(1, rule.restore_per_s // self._replicas))
        return msgspec.structs.replace(policy, rule=shared)

    def _part(self, limit: int) -> int:
        return max(1, limit // self._replicas) if limit else 0
