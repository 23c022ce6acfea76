"""What the limiter's scripts store for a subject and return, in Python, and how long they keep it."""

from collections.abc import Sequence
from itertools import chain

import msgspec

from matapalo.ratelimit.rules.bucket import CostBucket
from matapalo.ratelimit.rules.policy import Policy
from matapalo.ratelimit.rules.state import State
from matapalo.ratelimit.rules.wire import ReserveResult

LAYOUT = 1


def encode(state: State) -> bytes:
    """The value in the store."""
    flat = [LAYOUT, state.at_us, state.born_us]
    for section, values in state.sections.items():
        flat += (section, len(values), *values)
    return msgspec.msgpack.encode(flat)


def decode(raw: bytes) -> State | None:
    """The state of a value; None for what cannot be read."""
    try:
        layout, at_us, born_us, *rest = msgspec.msgpack.decode(raw, type=list[int])
    except (msgspec.DecodeError, ValueError):
        return None
    if layout != LAYOUT:
        return None
    sections, start = {}, 0
    while start < len(rest):
        section, length = rest[start : start + 2]
        sections[section] = rest[start + 2 : start + 2 + length]
        start += 2 + length
    return State(at_us, born_us, sections)


def numbers_of(result: ReserveResult) -> list[int]:
    """As the script `reserve` returns it."""
    rows = zip(result.remaining, result.reset_us, result.wait_us, strict=True)
    return [int(result.allowed), result.moment_us, *chain.from_iterable(rows)]


def lifetime_us(state: State, policies: Sequence[Policy]) -> int:
    """Until everything in it has left."""
    return max((_lifetime_us(policy, state) for policy in policies), default=0)


def _lifetime_us(policy: Policy, state: State) -> int:
    rule = policy.rule
    if isinstance(rule, CostBucket):
        return -(-state.sections[policy.section][0] // rule.restore_per_s)
    return rule.lifetime_us
