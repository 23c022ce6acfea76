"""The p-values, held to published or independently computed ones."""

import random
from collections import Counter

import pytest

from matapalo.strangler.significance import at_least_heads, exceeds, more_failures, slower, superiority


def test_fishers_tea_tasting() -> None:
    # Fisher 1935: 3 of 4 against 1 of 4, one-sided 17/70.
    assert more_failures(3, 4, than_failed=1, than_of=4) == pytest.approx(17 / 70)


def test_exact_and_approximate_agree_where_both_are_good() -> None:
    exact = more_failures(160, 10_000, than_failed=130, than_of=10_000)
    approximate = more_failures(1_600, 100_000, than_failed=1_508, than_of=100_000)
    assert exact == pytest.approx(0.0432, abs=0.003)
    assert approximate == pytest.approx(0.0482, abs=0.003)


def test_no_failures_are_no_surprise() -> None:
    assert more_failures(0, 500, than_failed=3, than_of=500) == 1.0
    assert more_failures(5, 10, than_failed=0, than_of=0) == 1.0


def test_binomial_tail() -> None:
    assert exceeds(1, 20, ceiling=0.05) == pytest.approx(1 - 0.95**20)
    assert exceeds(5, 5, ceiling=0.05) == pytest.approx(0.05**5)
    assert exceeds(600, 10_000, ceiling=0.05) < 1e-5


def test_sign_test() -> None:
    assert at_least_heads(7, 7) == pytest.approx(1 / 128)
    assert at_least_heads(8, 10) == pytest.approx(56 / 1024)
    assert at_least_heads(289, 544) == pytest.approx(0.079, abs=0.002)


def test_mann_whitney_from_counts_is_mann_whitney_from_values() -> None:
    seeded = random.Random(7)  # noqa: S311 - reproducible
    new = [round(seeded.lognormvariate(3.1, 0.6)) for _ in range(120)]
    legacy = [round(seeded.lognormvariate(3.0, 0.6)) for _ in range(150)]
    wins = sum((a > b) + (a == b) / 2 for a in new for b in legacy)
    assert superiority(Counter(new), Counter(legacy)) == pytest.approx(wins / (120 * 150))
    mirrored = 1 - slower(Counter(legacy), Counter(new))
    assert slower(Counter(new), Counter(legacy)) == pytest.approx(mirrored)


def test_mann_whitney_of_a_sample_worked_out_by_hand() -> None:
    # 19 of 25 pairs are won: (19 - 12.5) / sqrt(25 * 11 / 12) = 1.358, one-sided 0.0872.
    new, legacy = {5: 1, 7: 1, 8: 1, 9: 1, 10: 1}, {1: 1, 2: 1, 3: 1, 6: 1, 11: 1}
    assert slower(new, legacy) == pytest.approx(0.0872, abs=0.0001)


def test_identical_histograms_are_a_toss_up() -> None:
    assert slower({5: 100, 6: 50}, {5: 100, 6: 50}) == pytest.approx(0.5)
    assert slower({5: 100}, {5: 100}) == 1.0, "nothing but ties tells nothing"
    assert slower({}, {5: 100}) == 1.0
