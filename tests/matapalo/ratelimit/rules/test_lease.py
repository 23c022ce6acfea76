"""Permits on lease: taken, given back, renewed, run out."""

from benchmarks.traffic import NOON, S
from matapalo.ratelimit.rules import lease, window
from matapalo.ratelimit.rules.window import StrictWindow

RULE = StrictWindow(2, 30 * S)


def taken(*moments: int) -> tuple[list[int], int]:
    ring, at_us = window.empty(RULE), moments[0]
    for moment in moments:
        ring, at_us = window.aged(RULE, ring, at_us, moment), moment
        ring[0] += 1
    return ring, at_us


def test_a_permit_given_back_is_free() -> None:
    ring, at_us = taken(NOON, NOON + 7 * S)
    assert window.wait_us(RULE, ring, at_us) > 0
    without = lease.returned(RULE, ring, at_us, NOON)
    assert without is not None
    assert window.wait_us(RULE, without, at_us) == 0


def test_a_permit_that_ran_out_cannot_be_given_back() -> None:
    ring, _ = taken(NOON, NOON + 40 * S)
    assert sum(ring) == 1
    assert lease.returned(RULE, ring, NOON + 40 * S, NOON) is None


def test_a_crashed_holder_blocks_for_the_lease_and_a_tenth() -> None:
    ring, at_us = taken(NOON, NOON)
    assert window.wait_us(RULE, ring, at_us) == 33 * S


def test_renewing_keeps_the_permit() -> None:
    ring, at_us = taken(NOON, NOON)
    for tick in range(1, 10):
        now_us = NOON + tick * 10 * S
        ring, before = window.aged(RULE, ring, at_us, now_us), at_us
        renewed = lease.renewed(RULE, ring, now_us, before)
        assert renewed is not None
        ring, at_us = renewed, now_us
        assert renewed[0] == 1
    assert sum(ring) == 1  # the other was not renewed


def test_a_lost_permit_is_taken_anew_only_when_one_is_free() -> None:
    now_us = NOON + 60 * S
    full, _ = taken(now_us, now_us)
    assert lease.renewed(RULE, full, now_us, NOON) is None
    free, _ = taken(now_us)
    assert lease.renewed(RULE, free, now_us, NOON) == [2, *[0] * 10]
