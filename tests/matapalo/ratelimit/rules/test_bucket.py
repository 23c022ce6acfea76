"""The cost bucket: bursts up to the capacity, then the restore rate, whatever is reserved and given back meanwhile."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.traffic import S
from matapalo.ratelimit.rules import bucket
from matapalo.ratelimit.rules.bucket import MICRO, CostBucket, Level
from matapalo.ratelimit.rules.window import NEVER

RULE = CostBucket(100, 10)


def drained(rule: CostBucket, debt: int, elapsed_us: int) -> int:
    return bucket.aged(rule, Level(debt, debt, debt, 0, 0), 0, elapsed_us).debt


def spent(level: Level, cost: int) -> Level:
    return level._replace(debt=level.debt + cost * MICRO)


def test_it_fills_by_its_rate() -> None:
    assert bucket.remaining(RULE, drained(RULE, 100 * MICRO, 0)) == 0
    assert bucket.remaining(RULE, drained(RULE, 100 * MICRO, 2 * S)) == 20
    assert bucket.remaining(RULE, drained(RULE, 100 * MICRO, 3600 * S)) == 100
    assert RULE.fill_s == 10


def test_more_than_the_capacity_never_fits() -> None:
    assert bucket.wait_us(RULE, 0, 101) == NEVER
    assert bucket.wait_us(RULE, 0, 100) == 0


def test_what_costs_nothing_always_fits() -> None:
    assert bucket.wait_us(RULE, 500 * MICRO, 0) == 0


debts = st.integers(0, 100 * MICRO)


@settings(max_examples=200, deadline=None)
@given(rate=st.sampled_from([1, 3, 7, 1000]), debt=debts, cost=st.integers(1, 100))
def test_the_hint_is_exact(rate: int, debt: int, cost: int) -> None:
    rule = CostBucket(100, rate)
    hint_us = bucket.wait_us(rule, debt, cost)
    assert bucket.wait_us(rule, drained(rule, debt, hint_us), cost) == 0
    if hint_us:
        assert bucket.wait_us(rule, drained(rule, debt, hint_us - 1), cost) > 0


@settings(max_examples=200, deadline=None)
@given(rate=st.sampled_from([1, 3, 7, 1000]), debt=debts)
def test_the_reset_is_when_one_more_point_is_there(rate: int, debt: int) -> None:
    rule = CostBucket(100, rate)
    before, reset_us = bucket.remaining(rule, debt), bucket.reset_us(rule, debt)
    if reset_us:
        assert bucket.remaining(rule, drained(rule, debt, reset_us)) == before + 1
        assert bucket.remaining(rule, drained(rule, debt, reset_us - 1)) == before
    else:
        assert before == 100


operations = st.lists(
    st.tuples(
        st.sampled_from([0, 1000, S, 5 * S, 10 * S]),  # pause before it
        st.sampled_from([1, 10, 50, 100]),  # reserved
        st.sampled_from([0.0, 0.5, 1.0]),  # share of it that it uses
        st.sampled_from([0, 1000, S // 2, 3 * S, 10 * S + S // 2]),  # how long it runs
    ),
    max_size=20,
)


@settings(max_examples=300, deadline=None)
@given(requested=operations)
@example(requested=[(0, 100, 0.0, 10 * S + S // 2), (10 * S, 100, 1.0, 0), (S, 100, 1.0, 0)])
def test_what_is_really_spent_stays_within_burst_and_rate(requested: list[tuple[int, int, float, int]]) -> None:
    """Slow operations that give most of their estimate back must not gain from what time restored meanwhile."""
    level, at_us, now_us = bucket.full(0), 0, 0
    done: list[tuple[int, int]] = []
    running: list[tuple[int, int, int]] = []  # ends, began, unused

    def end_those_before(moment_us: int) -> None:
        nonlocal level
        for ends, began, unused in sorted(entry for entry in running if entry[0] <= moment_us):
            level = bucket.credited(RULE, level, at_us, ends, began, unused)
            running.remove((ends, began, unused))

    for pause_us, cost, share, lasts_us in requested:
        now_us += pause_us
        end_those_before(now_us)
        level, at_us = bucket.aged(RULE, level, at_us, now_us), now_us
        if bucket.wait_us(RULE, level.debt, cost) == 0:
            level = spent(level, cost)
            actual = int(cost * share)
            done.append((now_us, actual))
            running.append((now_us + lasts_us, now_us, cost - actual))
    for first, (began, _) in enumerate(done):
        total = 0
        for moment, actual in done[first:]:
            total += actual
            assert total <= RULE.capacity + RULE.restore_per_s * (moment - began) / S


def test_an_operation_alone_gets_back_what_it_did_not_use() -> None:
    level = spent(bucket.full(0), 80)
    after = bucket.aged(RULE, bucket.credited(RULE, level, 0, S, 0, 50), 0, S)
    assert bucket.remaining(RULE, after.debt) == 70  # 30 were used; 10 a second were restored, of the 50


def test_a_busy_customer_gets_everything_back() -> None:
    """While the debt stays high, nothing that time restores is wasted: all that was not used is missing."""
    level = spent(bucket.full(0), 90)
    level = bucket.aged(RULE, level, 0, S)  # from here on it is known that the debt was never below 80
    level = bucket.aged(RULE, level, S, 2 * S)
    level = spent(level, 20)
    after = bucket.aged(RULE, bucket.credited(RULE, level, 2 * S, 3 * S, 2 * S, 20), 2 * S, 3 * S)
    assert after.debt == 60 * MICRO


def test_nothing_is_credited_beyond_full() -> None:
    level = spent(bucket.full(0), 10)
    assert bucket.credited(RULE, level, 0, 0, 0, 50).debt == 0
