"""`benchmarks.samples`: percentiles, medians over rounds, ratios of rounds run side by side."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.samples import Score, cpu_ratio, percentile
from tests.benchmarks.scores import round_of, score_of


@pytest.mark.parametrize(
    ("percent", "value"), [(1, 1), (50, 50), (99, 99), (99.1, 100), (100, 100)], ids=lambda value: f"{value:g}"
)
def test_a_percentile_of_one_to_a_hundred_is_its_rank(percent, value) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == value


@given(st.lists(st.integers(), min_size=1), st.floats(min_value=0.01, max_value=100))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values, percent) -> None:
    ranked = percentile(values, percent)

    assert ranked in values
    assert sum(value <= ranked for value in values) >= len(values) * percent / 100
    assert sum(value < ranked for value in values) < len(values) * percent / 100


@pytest.mark.parametrize("percent", [0, -1, 100.5])
def test_a_percentile_outside_of_its_range_is_refused(percent) -> None:
    with pytest.raises(ValueError, match="more than 0, at most 100"):
        percentile([1.0], percent)


def test_nothing_measured_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_one_disturbed_round_does_not_move_a_score() -> None:
    assert score_of("ours", 100, 102, 900, 98, 101).cpu_us == pytest.approx(101)


def test_latencies_of_all_rounds_count_alike() -> None:
    score = Score("ours", 1, [round_of(1, latencies_us=[1000] * 98), round_of(1, latencies_us=[7000, 9000])])

    assert score.latency_ms(50) == 1
    assert score.latency_ms(99) == 7
    assert score.latency_ms(100) == 9


def test_shared_costs_are_counted_per_request() -> None:
    score = score_of("ours", 100, 100)

    assert score.envoy_cpu_us == pytest.approx(100)
    assert score.services_cpu_us == pytest.approx(200)
    assert score.rest_calls == 8
    assert score.requests_per_s == 50


def test_a_ratio_compares_rounds_that_ran_side_by_side() -> None:
    # The machine became twice as slow in the middle: both felt it, the ratio does not.
    assert cpu_ratio(score_of("naive", 300, 300, 600, 600), score_of("ours", 100, 100, 200, 200)) == pytest.approx(3)


def test_a_ratio_needs_equally_many_rounds() -> None:
    with pytest.raises(ValueError, match="zip"):
        cpu_ratio(score_of("naive", 300, 300), score_of("ours", 100))
