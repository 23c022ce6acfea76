"""The limits of this process alone, for while the store is away: the same rules, on the monotonic clock, bounded.

Warm: of each subject the last verdict of the store is remembered, and what it had left is what it starts with. With
``replicas`` processes each gives out its share. The subject that was quiet longest is forgotten first.
"""

from collections import OrderedDict

import msgspec

from matapalo.process.clock import Clock
from matapalo.ratelimit.rules import state as states
from matapalo.ratelimit.rules.bucket import MICRO, CostBucket
from matapalo.ratelimit.rules.policy import Plan, Policy, plan
from matapalo.ratelimit.rules.state import Claim, State, Verdict
from matapalo.ratelimit.rules.window import StrictWindow, empty

MOST_SUBJECTS = 10_000


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What the store last said of a subject: the policies in their order, what was left, and when."""

    policies: tuple[Policy, ...]
    remaining: tuple[int, ...]
    at_us: int


class LocalLimits:
    """States of at most ``most`` subjects, and as many last verdicts of the store."""

    def __init__(self, clock: Clock, *, replicas: int = 1, most: int = MOST_SUBJECTS) -> None:
        self._clock = clock
        self._replicas = replicas
        self._most = most
        self._seen: OrderedDict[str, Seen] = OrderedDict()
        self._states: OrderedDict[str, State] = OrderedDict()
        self._plans: dict[int, tuple[Plan, Plan]] = {}

    def __len__(self) -> int:
        return max(len(self._seen), len(self._states))

    def remember(self, subject: str, policies: tuple[Policy, ...], remaining: tuple[int, ...]) -> None:
        """What the store said just now."""
        self._seen[subject] = Seen(policies, remaining, self.now_us())
        self._seen.move_to_end(subject)
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)

    def forget(self, subject: str) -> None:
        """Everything about a subject."""
        self._seen.pop(subject, None)
        self._states.pop(subject, None)

    def clear(self) -> None:
        """Everything about everybody."""
        self._seen.clear()
        self._states.clear()

    def forget_states(self) -> None:
        """The store decides again: what was counted here is of no use any more."""
        self._states.clear()

    def plan(self, whole: Plan) -> Plan:
        """This process' share of the policies that are kept locally."""
        known = self._plans.get(id(whole))
        if known is None or known[0] is not whole:
            kept = tuple(self._share(one) for one in whole.policies if one.on_error == "local")
            if len(self._plans) > 1000:  # each change of the tiers brings new plans
                self._plans.clear()
            known = self._plans[id(whole)] = (whole, plan(kept, whole.kind))
        return known[1]

    def reserve(self, subject: str, whole: Plan, cost: int) -> Verdict:
        """The verdict of this process, on ``plan(whole)``."""
        mine = self.plan(whole)
        known = self._states.get(subject)
        before = known if known is not None else self._warm(subject, mine)
        verdict, after = states.reserve(mine, before, self.now_us(), self._cost(whole, mine, cost))
        if after is not None or known is None:
            self._keep(subject, after or before)
        return verdict

    def settle(self, subject: str, claim: Claim) -> None:
        """As in the store."""
        after = states.settle(claim, self._states.get(subject), self.now_us())
        if after is not None:
            self._keep(subject, after)

    def renew(self, subject: str, mine: Plan, place: Policy, taken_us: int) -> int:
        """As in the store."""
        moment_us, after = states.renew(mine, place, self._states.get(subject), self.now_us(), taken_us)
        if after is not None:
            self._keep(subject, after)
        return moment_us

    def now_us(self) -> int:
        """The moment, on this process' own clock."""
        return int(self._clock.monotonic_s() * MICRO)

    def _keep(self, subject: str, state: State | None) -> None:
        if state is None:
            return
        self._states[subject] = state
        self._states.move_to_end(subject)
        if len(self._states) > self._most:
            self._states.popitem(last=False)

    def _warm(self, subject: str, mine: Plan) -> State | None:
        seen = self._seen.get(subject)
        if seen is None:
            return None
        left = {one.section: amount for one, amount in zip(seen.policies, seen.remaining, strict=True)}
        sections = {one.section: self._spent(one, left.get(one.section), seen.at_us) for one in mine.policies}
        return State(seen.at_us, seen.at_us, sections)

    def _spent(self, policy: Policy, left: int | None, at_us: int) -> list[int]:
        """As if everything that is missing had been spent at the moment the store said so: never too generous."""
        rule = policy.rule
        missing = 0 if left is None else max(0, policy.limit - left // self._replicas)
        if isinstance(rule, CostBucket):
            return [missing * MICRO, 0, 0, at_us, at_us]
        if policy.shape == "concurrency":
            return empty(rule)  # those operations end on their own, and nobody could give their places back here
        return [missing, *empty(rule)[1:]]

    @staticmethod
    def _cost(whole: Plan, mine: Plan, cost: int) -> int:
        """A share must not forbid for ever what the whole would allow."""
        if whole.bucket is None or mine.bucket is None or cost > whole.policies[whole.bucket].limit:
            return cost
        return min(cost, mine.policies[mine.bucket].limit)

    def _share(self, policy: Policy) -> Policy:
        rule = policy.rule
        if isinstance(rule, StrictWindow):
            shared: StrictWindow | CostBucket = msgspec.structs.replace(rule, limit=self._part(rule.limit))
        else:
            shared = CostBucket(self._part(rule.capacity), max(1, rule.restore_per_s // self._replicas))
        return msgspec.structs.replace(policy, rule=shared)

    def _part(self, limit: int) -> int:
        return max(1, limit // self._replicas) if limit else 0
