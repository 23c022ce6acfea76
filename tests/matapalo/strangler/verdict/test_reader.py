"""Verdicts on what was collected."""

from datetime import timedelta

from tests.matapalo.strangler.builders import a_document, a_route
from tests.matapalo.strangler.harness import Harness


async def test_a_window_is_judged_by_what_was_collected_in_it() -> None:
    harness = Harness(a_document())
    await harness.slices.add({"traffic:orders": {"n:ok": 240, "n:err": 6, "n:5": 240, "l:ok": 480, "l:8": 480}})
    judgement = await harness.services.metrics.judge(a_route(share_bp=2_500), since=harness.clock.now())
    assert (judgement.traffic.new.failed, judgement.traffic.legacy.requests) == (6, 480)
    checks = {check.name: check.outcome for check in judgement.verdict.checks}
    assert checks == {"ceiling": "PASS", "errors": "FAIL", "latency": "PASS", "tail": "PASS"}


async def test_a_compared_route_is_judged_by_the_comparator_too() -> None:
    harness = Harness(a_document())
    await harness.services.findings.add("orders", {"compared": 200, "beyond": 50, "raw|$.total": 50})
    judgement = await harness.services.metrics.judge(a_route(shadow_bp=10_000), since=harness.clock.now())
    assert judgement.verdict.checks[-1].because == ("of 200 compared responses some differ at $.total (50, noise 0)")
    assert judgement.consistency is not None
    assert judgement.consistency.same_share == 0.75


async def test_at_the_whole_a_quiet_legacy_side_is_judged_by_its_past() -> None:
    harness = Harness(a_document())
    await harness.slices.add({"traffic:orders": {"l:ok": 1_000}})
    harness.clock.advance(3_600)
    await harness.slices.add({"traffic:orders": {"n:ok": 1_000, "n:err": 30}})
    route, since = a_route(share_bp=10_000), harness.clock.now() - timedelta(minutes=10)
    judgement = await harness.services.metrics.judge(route, since=since)
    assert judgement.traffic.legacy.requests == 1_000
    assert {check.name: check.outcome for check in judgement.verdict.checks}["errors"] == "FAIL"


async def test_a_step_fails_already_when_its_latest_part_does() -> None:
    harness = Harness(a_document())
    metrics, begin = harness.services.metrics, harness.clock.now()
    await harness.slices.add({"traffic:orders": {"n:ok": 100_000, "l:ok": 100_000}})
    harness.clock.advance(1_200)
    await harness.slices.add({"traffic:orders": {"n:ok": 80, "n:err": 20, "l:ok": 300}})
    route = a_route(share_bp=2_500)
    assert (await metrics.judge(route, since=begin)).verdict.outcome != "FAIL"
    step = await metrics.judge_step(route, since=begin, recent=timedelta(minutes=10))
    assert (step.verdict.outcome, step.verdict.is_critical) == ("FAIL", True)
