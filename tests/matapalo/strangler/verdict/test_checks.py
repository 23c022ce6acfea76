"""What a gate says of a window: known cases, and how often it cries wolf."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from matapalo.strangler.metrics.traffic import SideTraffic, Traffic
from matapalo.strangler.settings import RolloutCriteria
from matapalo.strangler.shadow.consistency import Consistency, fields_of
from matapalo.strangler.verdict.checks import Check, Outcome, judge_consistency, judge_traffic, verdict_of

UNTIL = datetime(2026, 3, 1, 12, tzinfo=UTC)
SINCE = UNTIL - timedelta(minutes=10)
GATES = RolloutCriteria()
EVEN = {20: 150, 25: 100, 30: 50}


def a_side(requests: int = 300, failed: int = 0, latency: dict[int, int] | None = None) -> SideTraffic:
    return SideTraffic(requests - failed, failed, EVEN if latency is None else latency)


def judged(new: SideTraffic, legacy: SideTraffic, *, at_the_whole: bool = False) -> dict[str, Check]:
    traffic = Traffic(since=SINCE, until=UNTIL, new=new, legacy=legacy)
    return {check.name: check for check in judge_traffic(traffic, GATES, at_the_whole=at_the_whole)}


def outcome(checks: dict[str, Check]) -> Outcome:
    return verdict_of(*checks.values()).outcome


def test_two_sides_that_do_alike_pass() -> None:
    checks = judged(a_side(), a_side(failed=1))
    assert outcome(checks) is Outcome.PASS
    assert set(checks) == {"ceiling", "errors", "latency", "tail"}


def test_no_traffic_holds_and_never_passes() -> None:
    for new, legacy in (
        (SideTraffic(), SideTraffic()),
        (a_side(), SideTraffic()),
        (SideTraffic(), a_side()),
        (a_side(199, latency={20: 199}), a_side()),
    ):
        assert outcome(judged(new, legacy)) is Outcome.HOLD
    assert verdict_of().outcome is Outcome.HOLD


def test_a_fifth_of_failures_fails_at_once() -> None:
    checks = judged(a_side(40, failed=8), SideTraffic())
    verdict = verdict_of(*checks.values())
    assert (verdict.outcome, verdict.is_critical) == (Outcome.FAIL, True)
    assert verdict.because == "new failed 8 of 40 (20.00%), the ceiling is 5.00%"


def test_four_failures_are_never_above_the_ceiling() -> None:
    assert outcome(judged(a_side(4, failed=4), a_side())) is Outcome.HOLD


def test_more_failures_than_legacy_fail_below_the_ceiling_too() -> None:
    checks = judged(a_side(2_000, failed=40), a_side(2_000, failed=4))
    assert checks["errors"].outcome is Outcome.FAIL
    assert not verdict_of(*checks.values()).is_critical
    assert checks["errors"].numbers["p"] < 1e-6


def test_as_many_failures_as_legacy_pass() -> None:
    assert judged(a_side(2_000, failed=40), a_side(2_000, failed=38))["errors"].outcome is Outcome.PASS


def test_a_difference_that_is_sure_but_small_passes() -> None:
    checks = judged(a_side(200_000, failed=900), a_side(200_000, failed=100))
    assert checks["errors"].numbers["p"] < 1e-9
    assert checks["errors"].outcome is Outcome.PASS


def test_slower_requests_fail() -> None:
    check = judged(a_side(latency={lower + 10: count for lower, count in EVEN.items()}), a_side())["latency"]
    assert check.outcome is Outcome.FAIL
    assert check.numbers["shift_ms"] == 10
    assert "typically +10 ms" in check.because


def test_one_millisecond_more_is_allowed_however_sure() -> None:
    new = a_side(latency={lower + 1: count * 100 for lower, count in EVEN.items()})
    check = judged(new, a_side(latency={lower: count * 100 for lower, count in EVEN.items()}))["latency"]
    assert check.numbers["p"] < 1e-9
    assert check.outcome is Outcome.PASS


def test_a_tail_is_judged_from_a_thousand_requests_on() -> None:
    tailed = {20: 930, 300: 70}
    assert judged(a_side(latency=tailed), a_side(latency={20: 990, 40: 10}))["tail"].outcome is Outcome.FAIL
    few = {lower: count // 2 for lower, count in tailed.items()}
    unjudged = judged(a_side(latency=few), a_side(latency={20: 990, 40: 10}))["tail"]
    assert unjudged.outcome is Outcome.PASS
    assert "not judged" in unjudged.because


def test_at_the_whole_without_legacy_only_the_ceiling_is_checked() -> None:
    checks = judged(a_side(), SideTraffic(), at_the_whole=True)
    assert set(checks) == {"ceiling"}
    assert outcome(checks) is Outcome.PASS
    assert outcome(judged(a_side(failed=60), SideTraffic(), at_the_whole=True)) is Outcome.FAIL


@pytest.mark.parametrize("requests", [200, 1_000])
def test_two_equal_services_rarely_fail(requests: int) -> None:
    # 80 trials of log-normal latencies and 1 % failures on both sides; legacy has 2000 requests.
    seeded = random.Random(requests)  # noqa: S311 - reproducible

    def drawn(count: int) -> SideTraffic:
        latency = Counter(round(seeded.lognormvariate(3, 0.6)) for _ in range(count))
        failed = sum(seeded.uniform(0, 1) < 0.01 for _ in range(count))
        return SideTraffic(count - failed, failed, latency)

    alarms = sum(outcome(judged(drawn(requests), drawn(2_000))) is Outcome.FAIL for _ in range(80))
    assert alarms <= 2, f"{alarms} of 80: more than the 1 % of each check would explain"


def test_a_quarter_slower_fails_with_two_hundred_requests() -> None:
    seeded = random.Random(3)  # noqa: S311 - reproducible

    def drawn(count: int, factor: float) -> SideTraffic:
        latency = Counter(round(factor * seeded.lognormvariate(3, 0.6)) for _ in range(count))
        return SideTraffic(count, 0, latency)

    failures = sum(outcome(judged(drawn(200, 1.25), drawn(2_000, 1))) is Outcome.FAIL for _ in range(20))
    assert failures >= 18


def compared(count: int, raw: dict[str, int], noise: dict[str, int]) -> Consistency:
    fields = fields_of(raw, noise, {}, compared=count, ignored=(), significance=0.01)
    return Consistency(compared=count, differing=0, failed=0, dropped=0, fields=fields)


def test_consistency_fails_for_a_field_that_differs() -> None:
    check = judge_consistency(compared(757, {"$.total": 24, "$.at": 757}, {"$.at": 757}), GATES)
    assert check.outcome is Outcome.FAIL
    assert "$.total (24, noise 0)" in check.because
    assert "$.at" not in check.because


def test_consistency_holds_while_more_comparisons_are_needed() -> None:
    assert judge_consistency(compared(99, {}, {}), GATES).outcome is Outcome.HOLD
    assert judge_consistency(compared(757, {"$.total": 3}, {}), GATES).outcome is Outcome.HOLD
    assert judge_consistency(compared(757, {"$.at": 700}, {"$.at": 710}), GATES).outcome is Outcome.PASS


def test_an_ignored_field_fails_no_window() -> None:
    fields = fields_of({"$.total": 24}, {}, {}, compared=757, ignored=("$.total",), significance=0.01)
    consistency = Consistency(compared=757, differing=0, failed=0, dropped=0, fields=fields)
    assert judge_consistency(consistency, GATES).outcome is Outcome.PASS
