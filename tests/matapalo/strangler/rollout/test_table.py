"""What a rollout writes to the table of routes, and how it tells its own changes from others'."""

from datetime import timedelta

import pytest

from matapalo.strangler.errors import InvalidChange
from matapalo.strangler.metrics.reader import Judged
from matapalo.strangler.metrics.traffic import Traffic
from matapalo.strangler.rollout.messages import Look, Moved, MoveShare
from matapalo.strangler.rollout.table import RouteTable
from matapalo.strangler.routing.route import Route, Side
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.verdict import Check, Outcome, verdict_of
from tests.harness.clock import FakeClock
from tests.matapalo.strangler.builders import a_document, a_route
from tests.matapalo.strangler.fakes import FakeStore

CLOCK = FakeClock()
PASSED = verdict_of(Check(name="errors", outcome=Outcome.PASS, because="all is well", numbers={"p": 1.0}))


class Gates:
    async def judge_step(self, route: Route, *, since: object, recent: timedelta) -> Judged:
        traffic = Traffic(since=CLOCK.now(), until=CLOCK.now())
        return Judged(traffic=traffic, consistency=None, verdict=PASSED)


class Scene:
    def __init__(self) -> None:
        self.store = FakeStore(a_document(1, a_route(writes=Side.LEGACY), a_route("products", seed=3)))
        self.changes = Changes(self.store, upstreams=["orders", "products", "legacy", "compare"], clock=CLOCK)
        self.table = RouteTable(self.changes, self.store, Gates(), clock=CLOCK)

    async def move(self, share_bp: int, expected: int | None) -> Moved:
        wish = MoveShare("orders", share_bp, expected, "the next step", "op_1", {"verdict": "PASS"})
        return await self.table.move(wish)

    async def share(self) -> int:
        return (await self.changes.document()).route("orders").share_bp


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_a_share_is_written_in_the_name_of_the_rollout_with_its_evidence(scene: Scene) -> None:
    assert await scene.move(500, 1) == Moved(2)
    (change,) = await scene.changes.history("orders")
    assert (change.by, change.why, change.evidence) == (
        "rollout:orders",
        "op_1: the next step",
        {"verdict": "PASS"},
    )


async def test_the_same_order_twice_writes_once(scene: Scene) -> None:
    first = await scene.move(500, 1)
    assert await scene.move(500, 1) == first, "as after a worker that died before it could tell"
    assert len(await scene.changes.history("orders")) == 1


async def test_a_share_changed_by_hand_is_left_alone_and_its_author_named(scene: Scene) -> None:
    await scene.move(500, 1)
    await scene.changes.set_route("orders", {"share_bp": 4_000}, by="op_9", why="a demo")
    moved = await scene.move(1_000, 2)
    assert moved.conflict == "op_9 changed share_bp from 500 to 4000 at version 3: a demo"
    assert await scene.share() == 4_000


async def test_a_change_there_and_back_is_noticed(scene: Scene) -> None:
    await scene.move(500, 1)
    await scene.changes.set_route("orders", {"share_bp": 4_000}, by="op_9", why="a demo")
    await scene.changes.set_route("orders", {"share_bp": 500}, by="op_9", why="over")
    assert (await scene.move(1_000, 2)).conflict


async def test_an_operators_word_is_written_over_whatever_is_there(scene: Scene) -> None:
    await scene.changes.set_route("orders", {"share_bp": 4_000}, by="op_9", why="a demo")
    assert await scene.move(0, None) == Moved(3)
    assert await scene.share() == 0


async def test_changes_of_other_routes_and_of_other_fields_are_in_nobodys_way(scene: Scene) -> None:
    await scene.changes.set_route("products", {"timeout_ms": 2_000}, by="op_9", why="slow")
    await scene.changes.set_route("orders", {"timeout_ms": 2_000}, by="op_9", why="slow")
    seen = await scene.table.look(Look("orders", 1, CLOCK.now(), 60))
    assert (seen.meddled, seen.revision) == (False, 3)
    assert seen.changed == "op_9 changed timeout_ms from 5000 to 2000 at version 3: slow"
    assert await scene.move(500, 1) == Moved(4)


async def test_who_looks_is_told_of_the_verdict_and_of_a_change_by_hand(scene: Scene) -> None:
    await scene.changes.set_route("orders", {"share_bp": 4_000}, by="op_9", why="a demo")
    seen = await scene.table.look(Look("orders", 1, CLOCK.now(), 60))
    assert seen.meddled
    assert (seen.verdict.outcome, seen.verdict.because) == ("PASS", "errors pass")
    assert seen.verdict.checks[0].numbers == {"p": 1.0}


async def test_a_share_that_breaks_a_rule_is_refused(scene: Scene) -> None:
    with pytest.raises(InvalidChange, match="two writers of one thing"):
        await scene.table.move(MoveShare("products", 500, 1, "the next step", "op_1"))
