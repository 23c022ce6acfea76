"""A policy: a rule with a name, the operations it counts, and what it does when it is broken or the store is away.

For the headers, `PolicyState` has what draft-ietf-httpapi-ratelimit-headers calls ``q`` (``limit``), ``w``
(``window_s``), ``r`` (``remaining``) and ``t`` (``reset_s``).

A *plan* is what one call takes along: the policies of a tier, each with its mode for one kind of operation, packed
once. All policies of the tier travel in every plan, also those that do not count this kind: their state is carried on.
"""

import binascii
from functools import cached_property
from typing import Literal

import msgspec

from matapalo.ratelimit.rules.bucket import CostBucket, Level
from matapalo.ratelimit.rules.window import StrictWindow
from matapalo.ratelimit.rules.wire import (
    BUCKET_SHAPE,
    ENFORCE,
    NOT_COUNTED,
    SHADOW,
    WINDOW_SHAPE,
    PolicyNumbers,
    pack,
)

Kind = Literal["query", "mutation", "subscription", "introspection"]
Unit = Literal["requests", "points", "concurrent-requests"]
Shape = Literal["window", "cost", "concurrency"]
OnError = Literal["local", "open", "closed"]

UNITS: dict[Shape, Unit] = {"window": "requests", "cost": "points", "concurrency": "concurrent-requests"}


class PolicyState(msgspec.Struct, frozen=True, gc=False):
    """How one policy stands after a decision. Times are seconds from now, amounts whole units.

    ``window_s`` is 0 for concurrency, which has none; for the cost bucket it is the time an empty one takes to fill.
    ``reset_s``: until there is more of it, 0 when nothing is used. ``restore_per_s`` is 0 for all but the cost bucket.
    A ``shadow`` policy is counted and never denies.
    """

    name: str
    unit: Unit
    limit: int
    window_s: int
    remaining: int
    reset_s: float
    restore_per_s: int = 0
    shadow: bool = False


class Policy(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One limit of one tier. ``on_error``: what holds while the store is away."""

    name: str
    shape: Shape
    rule: StrictWindow | CostBucket
    counts: frozenset[Kind]
    shadow: bool = False
    on_error: OnError = "local"

    @cached_property
    def section(self) -> int:
        """The id of its part of a state. Limits are no part of it: a changed limit, or tier, keeps the counts."""
        rule = self.rule
        detail = f"{rule.window_us}:{rule.precision}" if isinstance(rule, StrictWindow) else ""
        return binascii.crc32(f"{self.shape}:{self.name}:{detail}".encode())

    @property
    def limit(self) -> int:
        """Requests, points or permits."""
        return self.rule.limit if isinstance(self.rule, StrictWindow) else self.rule.capacity

    @property
    def window_s(self) -> int:
        """As `PolicyState` has it, rounded up."""
        if self.shape == "concurrency":
            return 0
        rule = self.rule
        return rule.fill_s if isinstance(rule, CostBucket) else -(-rule.window_us // 1_000_000)

    @cached_property
    def numbers(self) -> PolicyNumbers:
        """As the scripts know it, for an operation that it does not count."""
        rule, section = self.rule, self.section
        if isinstance(rule, StrictWindow):
            return PolicyNumbers(WINDOW_SHAPE, section, rule.limit, rule.step_us, rule.precision, NOT_COUNTED)
        last = len(Level._fields) - 1
        return PolicyNumbers(BUCKET_SHAPE, section, rule.capacity, rule.restore_per_s, last, NOT_COUNTED)

    def mode(self, kind: Kind | None) -> int:
        """Whether an operation of ``kind`` is counted; None counts nothing."""
        if kind not in self.counts:
            return NOT_COUNTED
        return SHADOW if self.shadow else ENFORCE

    def state(self) -> PolicyState:
        """How it stands when it is used up."""
        rule = self.rule
        restore_per_s = rule.restore_per_s if isinstance(rule, CostBucket) else 0
        return PolicyState(self.name, UNITS[self.shape], self.limit, self.window_s, 0, 0.0, restore_per_s, self.shadow)


class Plan(msgspec.Struct, frozen=True, eq=False):
    """The policies of a tier as one kind of operation meets them. ``kind`` None charges nothing."""

    policies: tuple[Policy, ...]
    kind: Kind | None
    modes: tuple[int, ...]
    packed: bytes
    used_up: tuple[PolicyState, ...]
    lease_index: int | None
    """Which policy counts concurrent operations, when this kind takes a permit."""
    bucket_index: int | None
    """Which policy is the cost bucket, when this kind spends points."""
    blocked: tuple[Policy, ...]
    """Enforced policies with a limit of 0: the store need not be called."""

    @property
    def lease(self) -> Policy | None:
        """The policy that gives out permits."""
        return None if self.lease_index is None else self.policies[self.lease_index]

    @property
    def bucket(self) -> Policy | None:
        return None if self.bucket_index is None else self.policies[self.bucket_index]


def plan(policies: tuple[Policy, ...], kind: Kind | None) -> Plan:
    """Prepare ``policies`` for operations of ``kind``."""
    modes = tuple(policy.mode(kind) for policy in policies)
    counted = [(index, policy) for index, policy in enumerate(policies) if modes[index] != NOT_COUNTED]
    return Plan(
        policies=policies,
        kind=kind,
        modes=modes,
        packed=pack(policy.numbers._replace(mode=mode) for policy, mode in zip(policies, modes, strict=True)),
        used_up=tuple(policy.state() for policy in policies),
        lease_index=next((index for index, policy in counted if policy.shape == "concurrency"), None),
        bucket_index=next((index for index, policy in counted if policy.shape == "cost"), None),
        blocked=tuple(policy for index, policy in counted if policy.limit == 0 and modes[index] == ENFORCE),
    )
