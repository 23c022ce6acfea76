"""The strangler's own values, in the words that the pages show."""

from dataclasses import replace
from datetime import timedelta

import pytest

from matapalo.strangler.console.presenters import (
    PHASES,
    Plan,
    Point,
    differences_in_words,
    rollback_target,
    verdict_in_words,
)
from matapalo.strangler.metrics.traffic import SideTraffic, Traffic
from matapalo.strangler.rollout.client import Command
from matapalo.strangler.rollout.messages import RolloutPhase
from matapalo.strangler.routing.route import Side
from tests.harness.clock import FakeClock
from tests.matapalo.strangler.console.harness import quiet_console, rollout
from tests.matapalo.strangler.harness import Harness

NOON = FakeClock().now()


def test_a_plan_shows_what_is_behind_it_and_what_is_ahead() -> None:
    view = rollout(quiet_console())
    plan = Plan.of(view)
    assert [(step.share_bp, step.state, step.length, bool(step.entered)) for step in plan.steps] == [
        (100, "done", "for 1 day", True),
        (500, "done", "for 2 days", True),
        (2_500, "current", "for 4 days", True),
        (5_000, "next", "for 1 week", False),
        (10_000, "next", "to the end", False),
    ]
    assert plan.until == view.due_at
    over = Plan.of(replace(view, phase=RolloutPhase.ROLLED_BACK))
    assert (over.steps[2].state, over.until) == ("done", None)


@pytest.mark.parametrize(
    ("phase", "words", "commands"),
    [
        (RolloutPhase.RUNNING, "running", (Command.HOLD, Command.ADVANCE, Command.ROLLBACK)),
        (RolloutPhase.WAITING, "needs approval", (Command.HOLD, Command.ADVANCE, Command.ROLLBACK)),
        (RolloutPhase.HELD, "held", (Command.RESUME, Command.ROLLBACK)),
        (RolloutPhase.PAUSED, "paused", (Command.RESUME, Command.ROLLBACK)),
        (RolloutPhase.DONE, "done", ()),
        (RolloutPhase.ROLLED_BACK, "rolled back", ()),
    ],
)
def test_only_the_commands_that_fit_a_phase_are_shown(
    phase: RolloutPhase, words: str, commands: tuple[Command, ...]
) -> None:
    assert (PHASES[phase].words, PHASES[phase].commands) == (words, commands)


async def test_a_change_is_put_into_words() -> None:
    changes = quiet_console().services.changes
    fields = {"share_bp": 500, "writes": None, "users": ["a", "b"], "fallback": False}
    with pytest.raises(Exception, match="writes would be split"):
        await changes.set_route("orders", fields, by="ops", why="a test")
    evidence = {"verdict": {"outcome": "FAIL", "because": "new failed 40 of 200"}}
    change = await changes.set_route(
        "orders", {**fields, "writes": Side.NEW}, by="rollout:orders", why="a test", evidence=evidence
    )
    assert differences_in_words(change) == "share 0 % → 5 %, writes legacy → new, users 0 → 2, fallback yes → no"
    assert verdict_in_words(change) == "FAIL: new failed 40 of 200"


async def test_a_history_says_what_a_rollback_would_bring_back(harness: Harness) -> None:
    changes = harness.services.changes
    assert rollback_target(await changes.history("orders")) == "5 %"
    assert rollback_target(await changes.history("products")) is None
    await changes.set_route("orders", {"shadow_bp": 0}, by="ops", why="enough")
    assert rollback_target(await changes.history("orders")) == "version 4"


def test_a_window_without_requests_has_no_latency_and_no_errors() -> None:
    side = SideTraffic(answered=99, failed=1, latency={10: 90, 20: 10})
    point = Point.of(Traffic(since=NOON, until=NOON + timedelta(seconds=10), new=side))
    assert (point.new.per_second, point.new.error_share) == (10.0, 0.01)
    assert (point.legacy.per_second, point.legacy.error_share, point.legacy.p95_ms) == (0.0, None, None)
