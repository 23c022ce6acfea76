"""What crosses the border to the Lua scripts: numbers, in the order of these tuples. Pure.

    reserve   ARGV: policies, cost                  -> `ReserveResult`
    renew     ARGV: policies, index of the lease (from 0), taken_us   -> the moment it is taken anew, 0 when it is lost
    settle    ARGV: `SettleArguments`               -> 1 when it changed something

KEYS[1] is always the one key of the subject. The policies travel as one MessagePack list: the `PolicyNumbers` of each,
one after the other. Moments and times are microseconds.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

import msgspec

WINDOW_SHAPE, BUCKET_SHAPE = 1, 2
NOT_COUNTED, ENFORCE, SHADOW = 0, 1, 2


class PolicyNumbers(NamedTuple):
    """A policy as the scripts know it. Its section of the state has ``precision + 1`` values."""

    shape: int
    section: int
    limit: int
    step: int
    """Of a window the width of a sub-bucket; of a bucket the points restored per second."""
    precision: int
    mode: int


class SettleArguments(NamedTuple):
    """What a reservation gives back. A section of 0: nothing of that kind."""

    taken_us: int
    bucket_section: int
    restore_per_s: int
    unused: int
    lease_section: int
    step_us: int
    precision: int


class ReserveResult(NamedTuple):
    """Whether all policies allow it, and the moment that was decided at; of each policy, in the order of the plan, what
    remains of it, the time to its reset, and the wait: 0 when it allows it, `NEVER` when it never will.

    Columns, because rows cost 3 µs of a check's 14.
    """

    allowed: bool
    moment_us: int
    remaining: Sequence[int]
    reset_us: Sequence[int]
    wait_us: Sequence[int]

    @classmethod
    def from_numbers(cls, numbers: Sequence[int]) -> "ReserveResult":
        """Read ``{allowed, moment, (remaining, reset, wait)*}``."""
        allowed, moment_us = numbers[:2]
        return cls(allowed == 1, moment_us, numbers[2::3], numbers[3::3], numbers[4::3])


def pack(policies: Iterable[PolicyNumbers]) -> bytes:
    """The policies as ``ARGV[1]`` of `reserve` and `renew`."""
    return msgspec.msgpack.encode(list(chain.from_iterable(policies)))
