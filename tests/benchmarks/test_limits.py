"""`python -m benchmarks.limits`: goals and tables from made-up figures, and accuracy on one kind of traffic."""

from benchmarks import accuracy
from benchmarks.checks import Checked, Cost
from benchmarks.limits import LIMITS, OURS, conclusion, costs, missed_goals, shares
from benchmarks.traffic import LIMIT, WINDOW_US, aligned_attack, worst_window


def checked(of_ping: float, together_us: float, together_of_ping: float, size: int) -> Checked:
    return Checked(
        alone=Cost(client_us=100.0, store_us=20.0, of_ping=of_ping),
        together=Cost(client_us=together_us, store_us=10.0, of_ping=together_of_ping),
        bytes_a_subject=size,
    )


GOOD = {OURS: checked(1.1, 30.0, 0.4, 211), LIMITS: checked(3.8, 300.0, 4.0, 264)}


def test_good_figures_meet_every_goal() -> None:
    assert missed_goals(GOOD) == []
    assert conclusion(GOOD, []).endswith("met; every promise of accuracy kept")


def test_each_goal_can_be_missed_and_says_by_how_much() -> None:
    bad = GOOD | {OURS: checked(1.4, 200.0, 0.9, 500)}
    missed = ["alone 1.40 > 1.30", "together 0.90 > 0.75", "limits 0.67 > 0.40", "bytes 500.00 > 400.00"]
    assert missed_goals(bad) == missed
    assert "MISSED: alone 1.40" in conclusion(bad, missed)


def test_the_tables_have_a_row_for_each_contestant() -> None:
    assert costs(GOOD).count("\n") == 3
    accurate = {"ours": {"bursts": accuracy.Accuracy(0.9, 1.0)}}
    assert "| ours" in shares(accurate)
    assert "0.90; 1.00" in shares(accurate)


def test_the_aligned_attacker_fools_counters_and_not_ours() -> None:
    """The benchmark would compare nothing if the attack worked on no contestant."""
    moments = aligned_attack()
    assert worst_window(accuracy.ours(moments), WINDOW_US) == LIMIT
    fooled = accuracy.CONTESTANTS["throttled, GCRA"](moments)
    assert worst_window(fooled, WINDOW_US) > 1.9 * LIMIT


def test_hints_are_exact_under_attack() -> None:
    assert accuracy.wrong_hints(aligned_attack()) == 0
