"""The strict window: what it promises under every kind of traffic, on simulated time."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.traffic import LIMIT, NOON, WINDOW_US, S, all_traffic, allowed_by_log, worst_window
from matapalo.ratelimit.rules import window
from matapalo.ratelimit.rules.window import NEVER, StrictWindow

W = WINDOW_US
TRAFFIC = all_traffic()


def allowed(rule: StrictWindow, moments: Sequence[int]) -> list[int]:
    """The moments at which the strict window lets a request through."""
    ring, at_us, through = window.empty(rule), 0, []
    for now_us in moments:
        ring, at_us = window.aged(rule, ring, at_us, now_us), now_us
        if window.wait_us(rule, ring, now_us) == 0:
            ring[0] += 1
            through.append(now_us)
    return through


@pytest.mark.parametrize("precision", [10, 60])
@pytest.mark.parametrize("traffic", TRAFFIC)
def test_no_window_exceeds_the_limit_or_undercuts_a_longer_log(traffic: str, precision: int) -> None:
    moments = TRAFFIC[traffic]
    through = allowed(StrictWindow(LIMIT, W, precision), moments)
    assert worst_window(through, W) <= LIMIT
    assert len(through) >= len(allowed_by_log(LIMIT, W + W // precision, moments))


rules = st.builds(StrictWindow, st.integers(1, 5), st.sampled_from([7, 60, 61 * S]), st.sampled_from([1, 2, 10]))
pauses = st.lists(st.integers(0, 30), max_size=60)


def times_of(rule: StrictWindow, gaps: Sequence[int]) -> list[int]:
    unit = max(1, rule.window_us // 40)
    times, at_us = [], NOON
    for gap in gaps:
        at_us += gap * unit + gap % 3
        times.append(at_us)
    return times


@settings(max_examples=150, deadline=None)
@given(rule=rules, gaps=pauses)
def test_the_same_holds_for_any_rule_and_any_traffic(rule: StrictWindow, gaps: list[int]) -> None:
    moments = times_of(rule, gaps)
    through = allowed(rule, moments)
    assert worst_window(through, rule.window_us) <= rule.limit
    assert len(through) >= len(allowed_by_log(rule.limit, rule.lifetime_us, moments))


@settings(max_examples=150, deadline=None)
@given(rule=rules, gaps=pauses, later=st.integers(0, 10**8))
def test_the_hint_is_exact(rule: StrictWindow, gaps: list[int], later: int) -> None:
    ring, at_us = window.empty(rule), NOON
    for now_us in times_of(rule, gaps):
        ring, at_us = window.aged(rule, ring, at_us, now_us), now_us
        if window.wait_us(rule, ring, now_us) == 0:
            ring[0] += 1
    now_us = at_us + later % (2 * rule.window_us)
    ring = window.aged(rule, ring, at_us, now_us)
    hint_us = window.wait_us(rule, ring, now_us)
    then_us = now_us + hint_us
    assert window.wait_us(rule, window.aged(rule, ring, now_us, then_us), then_us) == 0
    if hint_us:
        assert window.wait_us(rule, window.aged(rule, ring, now_us, then_us - 1), then_us - 1) == 1


def test_a_limit_of_nothing_never_lets_anything_through() -> None:
    rule = StrictWindow(0, W)
    assert window.wait_us(rule, window.empty(rule), NOON) == NEVER


def test_there_is_no_reset_when_nothing_is_used() -> None:
    rule = StrictWindow(5, W)
    assert window.reset_us(rule, window.empty(rule), NOON) == 0


def test_the_reset_is_when_the_oldest_entry_leaves() -> None:
    rule = StrictWindow(5, W)
    ring = [0] * 11
    ring[0] = 1
    assert window.reset_us(rule, ring, NOON) == 66 * S  # NOON begins a sub-bucket: the entry leaves as late as can be
    assert window.reset_us(rule, window.aged(rule, ring, NOON, NOON + 40 * S), NOON + 40 * S) == 26 * S


def test_a_window_that_does_not_divide_is_wider_never_narrower() -> None:
    assert StrictWindow(1, 61, 10).step_us * 10 >= 61
