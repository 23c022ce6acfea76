"""Quantiles and shifts from bucket counts."""

import pytest

from matapalo.strangler.metrics.histogram import above, merged, quantile_ms, total, typical_shift_ms, width_ms


@pytest.mark.parametrize(("lower", "width"), [(0, 0.1), (9, 0.1), (10, 1), (99, 1), (100, 10), (990, 10), (1_000, 100)])
def test_a_bucket_is_as_wide_as_envoys(lower: int, width: float) -> None:
    assert width_ms(lower) == width


def test_a_quantile_lies_in_the_bucket_that_holds_it() -> None:
    histogram = {5: 50, 24: 40, 100: 10}
    assert quantile_ms(histogram, 0.5) == pytest.approx(5.1)
    assert quantile_ms(histogram, 0.7) == pytest.approx(24.5)
    assert quantile_ms(histogram, 0.99) == pytest.approx(109)
    assert quantile_ms({}, 0.5) is None


def test_histograms_add_up() -> None:
    assert merged({5: 1, 6: 2}, {6: 3}) == {5: 1, 6: 5}
    assert total({5: 1, 6: 5}) == 6
    assert above({5: 1, 6: 5, 70: 2}, 6) == 7


def test_the_typical_shift_is_the_median_of_all_differences() -> None:
    assert typical_shift_ms({30: 10}, {20: 7}) == 10
    assert typical_shift_ms({20: 5, 21: 5}, {20: 5, 21: 5}) == 0
    assert typical_shift_ms({10: 99, 900: 1}, {10: 100}) == 0, "a tail alone shifts nothing"
