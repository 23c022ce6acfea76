"""What a rollout writes to the table of routes, and how it tells its own changes from external ones."""

from datetime import datetime, timedelta

import pytest

from matapalo.strangler.errors import InvalidChange
from matapalo.strangler.metrics.traffic import Traffic
from matapalo.strangler.rollout.messages import CheckGates, Moved, MoveShare
from matapalo.strangler.rollout.table import StoredRouteTable
from matapalo.strangler.routing.route import Route, Side
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.verdict.checks import Check, Outcome, verdict_of
from matapalo.strangler.verdict.reader import Judgement
from tests.harness.clock import FakeClock
from tests.matapalo.strangler.builders import a_document, a_route
from tests.matapalo.strangler.fakes import FakeRouteStore

CLOCK = FakeClock()
PASSED = verdict_of(Check(name="errors", outcome=Outcome.PASS, because="all is well", numbers={"p": 1.0}))


async def judge_step(route: Route, since: datetime, recent: timedelta) -> Judgement:
    traffic = Traffic(since=CLOCK.now(), until=CLOCK.now())
    return Judgement(traffic=traffic, consistency=None, verdict=PASSED)


class TableHarness:
    def __init__(self) -> None:
        self.store = FakeRouteStore(a_document(1, a_route(writes=Side.LEGACY), a_route("products", seed=3)))
        self.changes = Changes(self.store, upstreams=["orders", "products", "legacy", "compare"], clock=CLOCK)
        self.table = StoredRouteTable(self.changes, judge_step, clock=CLOCK)

    async def move(self, share_bp: int, expected: int | None) -> Moved:
        request = MoveShare("orders", share_bp, expected, "the next step", "op_1", {"verdict": "PASS"})
        return await self.table.move(request)

    async def share(self) -> int:
        return (await self.changes.document()).route("orders").share_bp


@pytest.fixture
def harness() -> TableHarness:
    return TableHarness()


async def test_a_share_is_written_by_the_rollout_with_its_evidence(harness: TableHarness) -> None:
    assert await harness.move(500, 1) == Moved(2)
    (change,) = await harness.changes.history("orders")
    assert (change.by, change.why, change.evidence) == (
        "rollout:orders",
        "op_1: the next step",
        {"verdict": "PASS"},
    )


async def test_the_same_request_twice_writes_once(harness: TableHarness) -> None:
    first = await harness.move(500, 1)
    assert await harness.move(500, 1) == first, "as after a worker that died before it returned"
    assert len(await harness.changes.history("orders")) == 1


async def test_an_external_change_is_left_alone_and_its_author_named(harness: TableHarness) -> None:
    await harness.move(500, 1)
    await harness.changes.set_route("orders", {"share_bp": 4_000}, by="op_9", why="a demo")
    moved = await harness.move(1_000, 2)
    assert moved.conflict == "op_9 changed share_bp from 500 to 4000 at version 3: a demo"
    assert await harness.share() == 4_000


async def test_a_change_there_and_back_is_noticed(harness: TableHarness) -> None:
    await harness.move(500, 1)
    await harness.changes.set_route("orders", {"share_bp": 4_000}, by="op_9", why="a demo")
    await harness.changes.set_route("orders", {"share_bp": 500}, by="op_9", why="over")
    assert (await harness.move(1_000, 2)).conflict


async def test_without_an_expected_revision_any_share_is_overwritten(harness: TableHarness) -> None:
    await harness.changes.set_route("orders", {"share_bp": 4_000}, by="op_9", why="a demo")
    assert await harness.move(0, None) == Moved(3)
    assert await harness.share() == 0


async def test_changes_of_other_routes_and_fields_are_no_conflict(harness: TableHarness) -> None:
    await harness.changes.set_route("products", {"timeout_ms": 2_000}, by="op_9", why="slow")
    await harness.changes.set_route("orders", {"timeout_ms": 2_000}, by="op_9", why="slow")
    report = await harness.table.check(CheckGates("orders", 1, CLOCK.now(), 60))
    assert (report.is_conflict, report.revision) == (False, 3)
    assert report.external_change == "op_9 changed timeout_ms from 5000 to 2000 at version 3: slow"
    assert await harness.move(500, 1) == Moved(4)


async def test_a_check_reports_the_verdict_and_an_external_change(harness: TableHarness) -> None:
    await harness.changes.set_route("orders", {"share_bp": 4_000}, by="op_9", why="a demo")
    report = await harness.table.check(CheckGates("orders", 1, CLOCK.now(), 60))
    assert report.is_conflict
    assert (report.verdict.outcome, report.verdict.because) == ("PASS", "errors pass")
    assert report.verdict.checks[0].numbers == {"p": 1.0}


async def test_a_share_that_breaks_a_rule_is_refused(harness: TableHarness) -> None:
    with pytest.raises(InvalidChange, match="two writers of one thing"):
        await harness.table.move(MoveShare("products", 500, 1, "the next step", "op_1"))
