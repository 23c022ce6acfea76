"""All that is kept about a subject, and the one decision over all its policies. Pure; its twins are in lua/.

The value is one packed list, ``[LAYOUT, at, born, (id, length, values…)*]``: the moment it was last written, the moment
it was first written, and a section for each policy (a window's ring, or a bucket's level). A section is found by its
id, so a change of the policies keeps what it can; an unknown layout is a fresh start. Moments are microseconds since
1970 by the store's clock. When that goes back (a fail-over), decisions are made at the moment last seen, so nothing is
restored twice; a step back of more than `MAX_STEP_BACK_US` means that the moment was wrong, and is a fresh start.
"""

from collections.abc import Sequence

import msgspec

from matapalo.ratelimit.rules import bucket, lease, window
from matapalo.ratelimit.rules.bucket import CostBucket, Level
from matapalo.ratelimit.rules.policy import ENFORCE, NOT_ASKED, Plan, Policy
from matapalo.ratelimit.rules.window import StrictWindow

LAYOUT = 1
MAX_STEP_BACK_US = 300_000_000


class State(msgspec.Struct):
    """``sections``: the values of each policy, by its id, as of ``at_us``."""

    at_us: int
    born_us: int
    sections: dict[int, list[int]]


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """``moment_us``: when it was given. The lists have a number a policy; a wait is 0, microseconds, or `NEVER`."""

    admitted: bool
    moment_us: int
    remaining: Sequence[int]
    reset_us: Sequence[int]
    wait_us: Sequence[int]


class Claim(msgspec.Struct, frozen=True, gc=False):
    """What a reservation gives back: ``unused`` points, its place, or both. ``taken_us``: the moment of its verdict."""

    taken_us: int
    unused: int
    bucket: Policy | None
    place: Policy | None


def encode(state: State) -> bytes:
    """As the store keeps it."""
    flat = [LAYOUT, state.at_us, state.born_us]
    for section, values in state.sections.items():
        flat += (section, len(values), *values)
    return msgspec.msgpack.encode(flat)


def decode(raw: bytes) -> State | None:
    """None for what we cannot read."""
    try:
        layout, at_us, born_us, *rest = msgspec.msgpack.decode(raw, type=list[int])
    except (msgspec.DecodeError, ValueError):
        return None
    if layout != LAYOUT:
        return None
    sections, place = {}, 0
    while place < len(rest):
        length = rest[place + 1]
        sections[rest[place]] = rest[place + 2 : place + 2 + length]
        place += 2 + length
    return State(at_us, born_us, sections)


def moment(state: State | None, now_us: int) -> tuple[State | None, int]:
    """What to go by, and the moment to decide at."""
    if state is None or state.at_us - now_us > MAX_STEP_BACK_US:
        return None, now_us
    return state, max(now_us, state.at_us)


def advanced(state: State | None, policies: Sequence[Policy], at_us: int) -> State:
    """The state at a later moment, with exactly the sections of ``policies``."""
    old = state or State(at_us, at_us, {})
    sections = {one.section: _brought(one, old.sections.get(one.section), old.at_us, at_us) for one in policies}
    return State(at_us, old.born_us, sections)


def reserve(plan: Plan, state: State | None, now_us: int, cost: int) -> tuple[Verdict, State | None]:
    """All policies, or none: the verdict, and the state to keep (None: as it was)."""
    state, at_us = moment(state, now_us)
    new = advanced(state, plan.policies, at_us)
    late = at_us - now_us
    asked = [mode != NOT_ASKED for mode in plan.modes]
    waits = [_wait(one, new, cost) if ask else 0 for one, ask in zip(plan.policies, asked, strict=True)]
    waits = [wait + late if wait > 0 else wait for wait in waits]
    admitted = not any(wait and mode == ENFORCE for wait, mode in zip(waits, plan.modes, strict=True))
    for one, ask, wait in zip(plan.policies, asked, waits, strict=True):
        if admitted and ask and not wait:
            _charge(one, new, cost)
    resets = [_reset(one, new) for one in plan.policies]
    verdict = Verdict(
        admitted=admitted,
        moment_us=at_us,
        remaining=[_remaining(one, new) for one in plan.policies],
        reset_us=[reset + late if reset else 0 for reset in resets],
        wait_us=waits,
    )
    return verdict, new if admitted and any(asked) else None


def settle(claim: Claim, state: State | None, now_us: int) -> State | None:
    """The state with what the reservation gives back; None when there is nothing to change. Never creates one."""
    state, at_us = moment(state, now_us)
    if state is None or claim.taken_us < state.born_us:
        return None
    sections = dict(state.sections)
    level = _found(claim.bucket, sections, 5)
    if claim.bucket is not None and isinstance(claim.bucket.rule, CostBucket) and level is not None:
        rule, before = claim.bucket.rule, Level(*level)
        after = bucket.credited(rule, before, state.at_us, at_us, claim.taken_us, claim.unused)
        sections[claim.bucket.section] = list(msgspec.structs.astuple(after))
    if claim.place is not None and isinstance(claim.place.rule, StrictWindow):
        ring = _found(claim.place, sections, claim.place.rule.precision + 1)
        without = ring and lease.returned(claim.place.rule, ring, state.at_us, claim.taken_us)
        if without:
            sections[claim.place.section] = without
    return State(state.at_us, state.born_us, sections)


def renew(plan: Plan, place: Policy, state: State | None, now_us: int, taken_us: int) -> tuple[int, State | None]:
    """The moment the place is taken anew and the state to keep; (0, None) when it is lost."""
    state, at_us = moment(state, now_us)
    if state is not None and taken_us < state.born_us:
        taken_us = -1
    new = advanced(state, plan.policies, at_us)
    assert isinstance(place.rule, StrictWindow)  # noqa: S101 - a concurrency policy has no other rule
    ring = lease.renewed(place.rule, new.sections[place.section], at_us, taken_us)
    if ring is None:
        return 0, None
    new.sections[place.section] = ring
    return at_us, new


def lifetime_us(state: State, policies: Sequence[Policy]) -> int:
    """Until everything in it has left."""
    return max((_lifetime(one, state) for one in policies), default=0)


def _found(policy: Policy | None, sections: dict[int, list[int]], length: int) -> list[int] | None:
    values = None if policy is None else sections.get(policy.section)
    return values if values is not None and len(values) == length else None


def _brought(policy: Policy, values: list[int] | None, at_us: int, now_us: int) -> list[int]:
    rule = policy.rule
    if isinstance(rule, CostBucket):
        level = Level(*values) if values is not None and len(values) == 5 else bucket.full(now_us)
        return list(msgspec.structs.astuple(bucket.aged(rule, level, at_us, now_us)))
    if values is None or len(values) != rule.precision + 1:
        return window.empty(rule)
    return window.aged(rule, values, at_us, now_us)


def _wait(policy: Policy, state: State, cost: int) -> int:
    values, rule = state.sections[policy.section], policy.rule
    if isinstance(rule, CostBucket):
        return bucket.wait_us(rule, values[0], cost)
    return window.wait_us(rule, values, state.at_us)


def _charge(policy: Policy, state: State, cost: int) -> None:
    values = state.sections[policy.section]
    values[0] += cost * bucket.MICRO if isinstance(policy.rule, CostBucket) else 1


def _reset(policy: Policy, state: State) -> int:
    values, rule = state.sections[policy.section], policy.rule
    if isinstance(rule, CostBucket):
        return bucket.reset_us(rule, values[0])
    return window.reset_us(rule, values, state.at_us)


def _remaining(policy: Policy, state: State) -> int:
    values, rule = state.sections[policy.section], policy.rule
    if isinstance(rule, CostBucket):
        return bucket.remaining(rule, values[0])
    return max(0, rule.limit - sum(values))


def _lifetime(policy: Policy, state: State) -> int:
    rule = policy.rule
    if isinstance(rule, CostBucket):
        return -(-state.sections[policy.section][0] // rule.restore_per_s)
    return rule.lifetime_us
