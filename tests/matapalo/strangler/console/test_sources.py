"""What the gateway's own parts know, in the words that the pages show."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from matapalo.strangler.console.ports import Command, RolloutState, StepState
from matapalo.strangler.console.progress import rollout_of
from matapalo.strangler.console.sources import change_of, point_of
from matapalo.strangler.metrics.traffic import SideTraffic, Traffic
from matapalo.strangler.rollout import messages
from matapalo.strangler.rollout.messages import Phase, StepEntry
from matapalo.strangler.rollout.plan import parse
from matapalo.strangler.routing.route import Side
from tests.matapalo.strangler.console.scene import Gateway

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
VIEW = messages.RolloutState(
    route="orders",
    phase=Phase.RUNNING,
    because="watching 25 %",
    plan=parse("5% for 1 day, 25% for 12 hours, 50% for 1 week after approval, 100%"),
    step=1,
    share_bp=2_500,
    by="ops",
    why="a quiet week",
    started_at=NOON,
    check_every_s=600,
    failures=0,
    failures_allowed=3,
    entered=(StepEntry(NOON, "PASS"), StepEntry(NOON + timedelta(days=1))),
    due_at=NOON + timedelta(days=2),
)


def test_a_plan_shows_what_is_behind_it_and_what_is_ahead() -> None:
    rollout = rollout_of(VIEW)
    assert [(step.share_bp, step.state, step.length, step.needs_approval) for step in rollout.steps] == [
        (500, StepState.DONE, "for 1 day", False),
        (2_500, StepState.CURRENT, "for 12 hours", False),
        (5_000, StepState.NEXT, "for 1 week", True),
        (10_000, StepState.NEXT, "to the end", False),
    ]
    assert rollout.until == VIEW.due_at


@pytest.mark.parametrize(
    ("phase", "state", "allowed"),
    [
        (Phase.RUNNING, RolloutState.RUNNING, (Command.HOLD, Command.ADVANCE, Command.ROLLBACK)),
        (Phase.WAITING, RolloutState.WAITING, (Command.HOLD, Command.ADVANCE, Command.ROLLBACK)),
        (Phase.HELD, RolloutState.HELD, (Command.RESUME, Command.ROLLBACK)),
        (Phase.PAUSED, RolloutState.PAUSED, (Command.RESUME, Command.ROLLBACK)),
        (Phase.DONE, RolloutState.DONE, ()),
        (Phase.ROLLED_BACK, RolloutState.ROLLED_BACK, ()),
    ],
)
def test_only_the_buttons_that_fit_a_phase_are_shown(
    phase: Phase, state: RolloutState, allowed: tuple[Command, ...]
) -> None:
    rollout = rollout_of(replace(VIEW, phase=phase))
    assert (rollout.state, rollout.allowed) == (state, allowed)


async def test_a_change_is_told_in_words() -> None:
    gateway = Gateway()
    fields = {"share_bp": 500, "writes": None, "users": ["a", "b"], "fallback": False}
    with pytest.raises(Exception, match="writes would be split"):
        await gateway.changes.set_route("orders", fields, by="ops", why="a test")
    evidence = {"verdict": {"outcome": "FAIL", "because": "new failed 40 of 200"}}
    change = await gateway.changes.set_route(
        "orders", {**fields, "writes": Side.NEW}, by="rollout:orders", why="a test", evidence=evidence
    )
    told = change_of(change)
    assert told.what == "share 0 % → 5 %, writes legacy → new, users 0 → 2, fallback yes → no"
    assert told.evidence == "FAIL: new failed 40 of 200"
    assert told.moved


async def test_a_history_says_what_a_rollback_would_bring_back(gateway: Gateway) -> None:
    routes = gateway.sources().routes
    assert (await routes.history("orders", limit=10)).undo == "5 %"
    assert (await routes.history("products", limit=10)).undo is None
    await gateway.changes.set_route("orders", {"shadow_bp": 0}, by="ops", why="enough")
    assert (await routes.history("orders", limit=10)).undo == "version 4"


def test_a_window_without_requests_has_no_latency_and_no_error_share() -> None:
    side = SideTraffic(answered=99, failed=1, latency={10: 90, 20: 10})
    found = point_of(Traffic(since=NOON, until=NOON + timedelta(seconds=10), new=side))
    assert (found.new.rate, found.new.error_share) == (10.0, 0.01)
    assert (found.legacy.rate, found.legacy.error_share, found.legacy.p95_ms) == (0.0, None, None)
