"""What is stored about a subject, and the one decision over all its policies. Pure; its twins are in store/lua/.

In the store it is one packed list (state.lua): the moment it was last written, the moment it was first written, and a
section for each policy (a window's ring, or a bucket's level). A section is looked up by its id, so a change of the
policies keeps what it can; an unknown layout is a fresh start. Moments are microseconds since 1970 by the store's
clock. When that goes back (a fail-over), decisions are made at the moment last seen, so nothing is restored twice; a
step back of more than `MAX_STEP_BACK_US` means that the moment was wrong, and is a fresh start.
"""

from collections.abc import Sequence

import msgspec

from matapalo.ratelimit.rules import bucket, lease, window
from matapalo.ratelimit.rules.bucket import CostBucket, Level
from matapalo.ratelimit.rules.policy import Plan, Policy
from matapalo.ratelimit.rules.window import StrictWindow
from matapalo.ratelimit.rules.wire import ENFORCE, NOT_COUNTED, ReserveResult, SettleArguments

MAX_STEP_BACK_US = 300_000_000


class State(msgspec.Struct):
    """``sections``: the values of each policy, by its id, as of ``at_us``."""

    at_us: int
    born_us: int
    sections: dict[int, list[int]]


class Settlement(msgspec.Struct, frozen=True, gc=False):
    """What a reservation gives back: ``unused`` points to ``bucket``, its permit to ``lease``, or both.

    ``taken_us``: the moment of the reservation.
    """

    taken_us: int
    unused: int
    bucket: Policy | None
    lease: Policy | None

    def arguments(self) -> SettleArguments:
        """As the script `settle` takes it."""
        points = None if self.bucket is None else self.bucket.numbers
        permit = None if self.lease is None else self.lease.numbers
        return SettleArguments(
            taken_us=self.taken_us,
            bucket_section=0 if points is None else points.section,
            restore_per_s=0 if points is None else points.step,
            unused=self.unused,
            lease_section=0 if permit is None else permit.section,
            step_us=0 if permit is None else permit.step,
            precision=0 if permit is None else permit.precision,
        )


def moment(state: State | None, now_us: int) -> tuple[State | None, int]:
    """What to go by, and the moment to decide at."""
    if state is None or state.at_us - now_us > MAX_STEP_BACK_US:
        return None, now_us
    return state, max(now_us, state.at_us)


def advanced(state: State | None, policies: Sequence[Policy], at_us: int) -> State:
    """The state at a later moment, with exactly the sections of ``policies``."""
    old = state or State(at_us, at_us, {})
    sections = {policy.section: _advanced(policy, old, at_us) for policy in policies}
    return State(at_us, old.born_us, sections)


def reserve(plan: Plan, state: State | None, now_us: int, cost: int) -> tuple[ReserveResult, State | None]:
    """Charge all policies, or none: the result, and the state to store (None: as it was)."""
    state, at_us = moment(state, now_us)
    new = advanced(state, plan.policies, at_us)
    rows = list(zip(plan.policies, plan.modes, strict=True))
    waits = [_wait_us(policy, new, cost) if mode != NOT_COUNTED else 0 for policy, mode in rows]
    allowed = not any(wait and mode == ENFORCE for wait, mode in zip(waits, plan.modes, strict=True))
    for (policy, mode), wait in zip(rows, waits, strict=True):
        # A shadow policy that would have denied is not charged, as it would not have been.
        if allowed and mode != NOT_COUNTED and not wait:
            new.sections[policy.section][0] += cost * bucket.MICRO if isinstance(policy.rule, CostBucket) else 1
    # Where the clock went back, waits are told from the moment that it shows.
    late_us = at_us - now_us
    resets = [_reset_us(policy, new) for policy in plan.policies]
    result = ReserveResult(
        allowed=allowed,
        moment_us=at_us,
        remaining=[_remaining(policy, new) for policy in plan.policies],
        reset_us=[reset + late_us if reset else 0 for reset in resets],
        wait_us=[wait + late_us if wait > 0 else wait for wait in waits],
    )
    return result, new if allowed and any(plan.modes) else None


def settle(settlement: Settlement, state: State | None, now_us: int) -> State | None:
    """The state with what the reservation gives back; None when there is nothing to change. Never creates one."""
    state, at_us = moment(state, now_us)
    if state is None or settlement.taken_us < state.born_us:
        return None
    sections = dict(state.sections)
    if settlement.bucket is not None and (values := _values(settlement.bucket, state)) is not None:
        rule = settlement.bucket.rule
        assert isinstance(rule, CostBucket)  # noqa: S101 - a cost policy has no other rule
        level = bucket.credited(rule, Level(*values), state.at_us, at_us, settlement.taken_us, settlement.unused)
        sections[settlement.bucket.section] = list(level)
    if settlement.lease is not None and (ring := _values(settlement.lease, state)) is not None:
        rule = settlement.lease.rule
        assert isinstance(rule, StrictWindow)  # noqa: S101 - a concurrency policy has no other rule
        without = lease.returned(rule, ring, state.at_us, settlement.taken_us)
        sections[settlement.lease.section] = without or ring
    return State(state.at_us, state.born_us, sections)


def renew(plan: Plan, permits: Policy, state: State | None, now_us: int, taken_us: int) -> tuple[int, State | None]:
    """The moment the permit is taken anew and the state to store; (0, None) when it is lost."""
    state, at_us = moment(state, now_us)
    if state is not None and taken_us < state.born_us:
        taken_us = lease.NEVER_TAKEN_US
    new = advanced(state, plan.policies, at_us)
    assert isinstance(permits.rule, StrictWindow)  # noqa: S101 - a concurrency policy has no other rule
    ring = lease.renewed(permits.rule, new.sections[permits.section], at_us, taken_us)
    if ring is None:
        return 0, None
    new.sections[permits.section] = ring
    return at_us, new


def _values(policy: Policy, state: State) -> list[int] | None:
    """Its section; None when there is none, or one of another shape."""
    values, rule = state.sections.get(policy.section), policy.rule
    length = len(Level._fields) if isinstance(rule, CostBucket) else rule.precision + 1
    return values if values is not None and len(values) == length else None


def _advanced(policy: Policy, old: State, at_us: int) -> list[int]:
    rule, values = policy.rule, _values(policy, old)
    if isinstance(rule, CostBucket):
        level = bucket.full(at_us) if values is None else Level(*values)
        return list(bucket.aged(rule, level, old.at_us, at_us))
    return window.empty(rule) if values is None else window.aged(rule, values, old.at_us, at_us)


def _wait_us(policy: Policy, state: State, cost: int) -> int:
    values, rule = state.sections[policy.section], policy.rule
    if isinstance(rule, CostBucket):
        return bucket.wait_us(rule, values[0], cost)
    return window.wait_us(rule, values, state.at_us)


def _reset_us(policy: Policy, state: State) -> int:
    values, rule = state.sections[policy.section], policy.rule
    if isinstance(rule, CostBucket):
        return bucket.reset_us(rule, values[0])
    return window.reset_us(rule, values, state.at_us)


def _remaining(policy: Policy, state: State) -> int:
    values, rule = state.sections[policy.section], policy.rule
    if isinstance(rule, CostBucket):
        return bucket.remaining(rule, values[0])
    return max(0, rule.limit - sum(values))
