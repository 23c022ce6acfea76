"""A policy: a rule with a name, the operations it counts, and what it does when it is broken or cannot be asked.

A *plan* is what one call takes along: the policies of a tier, each with its mode for one kind of operation, packed
once. All policies of the tier travel in every plan, also those that do not count this kind: their state is kept.
"""

import binascii
from typing import Literal

import msgspec

from matapalo.ratelimit.rules.bucket import CostBucket
from matapalo.ratelimit.rules.window import StrictWindow

Kind = Literal["query", "mutation", "subscription", "introspection"]
Unit = Literal["requests", "points", "concurrent-requests"]
Shape = Literal["window", "cost", "concurrency"]
OnError = Literal["local", "open", "closed"]

NOT_ASKED, ENFORCE, SHADOW = 0, 1, 2
UNITS: dict[Shape, Unit] = {"window": "requests", "cost": "points", "concurrency": "concurrent-requests"}


class PolicyState(msgspec.Struct, frozen=True, gc=False):
    """How one policy stands after the decision, for the subject it was asked for.

    ``window_s`` is 0 for concurrency, which has none; for the cost bucket it is the time an empty one takes to fill.
    ``reset_s``: until there is more of it, 0 when nothing is used. ``restore_per_s`` is 0 for all but the cost bucket.
    A ``shadow`` policy is watched and never refuses.
    """

    name: str
    unit: Unit
    limit: int
    window_s: int
    remaining: int
    reset_s: float
    restore_per_s: int = 0
    shadow: bool = False


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """One promise to one tier. ``on_error``: what holds while the store is away."""

    name: str
    shape: Shape
    rule: StrictWindow | CostBucket
    counts: frozenset[Kind]
    shadow: bool = False
    on_error: OnError = "local"

    @property
    def section(self) -> int:
        """What its counts are found by. Limits are no part of it: a changed limit, or tier, keeps the counts."""
        rule = self.rule
        detail = f"{rule.window_us}:{rule.precision}" if isinstance(rule, StrictWindow) else ""
        return binascii.crc32(f"{self.shape}:{self.name}:{detail}".encode())

    @property
    def limit(self) -> int:
        """Requests, points or places."""
        return self.rule.limit if isinstance(self.rule, StrictWindow) else self.rule.capacity

    def mode(self, kind: Kind) -> int:
        """How it is asked for an operation of ``kind``."""
        if kind not in self.counts:
            return NOT_ASKED
        return SHADOW if self.shadow else ENFORCE

    def numbers(self, kind: Kind | None) -> tuple[int, int, int, int, int, int]:
        """What the scripts take: shape, id, limit, step or rate, n, mode. None asks nothing of it."""
        rule, mode = self.rule, NOT_ASKED if kind is None else self.mode(kind)
        if isinstance(rule, StrictWindow):
            return 1, self.section, rule.limit, rule.step_us, rule.precision, mode
        return 2, self.section, rule.capacity, rule.restore_per_s, 4, mode

    def state(self) -> PolicyState:
        """As clients are told about it, used up."""
        rule = self.rule
        return PolicyState(
            name=self.name,
            unit=UNITS[self.shape],
            limit=self.limit,
            window_s=_window_s(self),
            remaining=0,
            reset_s=0.0,
            restore_per_s=rule.restore_per_s if isinstance(rule, CostBucket) else 0,
            shadow=self.shadow,
        )


class Plan(msgspec.Struct, frozen=True, eq=False):
    """The policies of a tier as one kind of operation meets them. ``kind`` None looks and charges nothing."""

    policies: tuple[Policy, ...]
    kind: Kind | None
    modes: tuple[int, ...]
    packed: bytes
    used_up: tuple[PolicyState, ...]
    lease: int | None
    """Which policy counts concurrent operations, when this kind takes a place."""
    bucket: int | None
    """Which policy is the cost bucket, when this kind spends points."""
    blocked: tuple[Policy, ...]
    """Enforced policies that let nothing through: the store need not be asked."""


def plan(policies: tuple[Policy, ...], kind: Kind | None) -> Plan:
    """Prepare ``policies`` for operations of ``kind``."""
    numbers = [one.numbers(kind) for one in policies]
    modes = tuple(each[-1] for each in numbers)
    asked = [(index, one) for index, one in enumerate(policies) if modes[index] != NOT_ASKED]
    return Plan(
        policies=policies,
        kind=kind,
        modes=modes,
        packed=msgspec.msgpack.encode([number for each in numbers for number in each]),
        used_up=tuple(one.state() for one in policies),
        lease=next((index for index, one in asked if one.shape == "concurrency"), None),
        bucket=next((index for index, one in asked if one.shape == "cost"), None),
        blocked=tuple(one for index, one in asked if one.limit == 0 and modes[index] == ENFORCE),
    )


def _window_s(policy: Policy) -> int:
    if policy.shape == "concurrency":
        return 0
    rule = policy.rule
    return rule.fill_s if isinstance(rule, CostBucket) else -(-rule.window_us // 1_000_000)
