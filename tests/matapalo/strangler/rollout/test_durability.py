"""A rollout on a real Temporal and a real Redis outlives its worker, its store and its own history."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowFailureError
from temporalio.service import RPCError

from matapalo.launcher.engines import temporal
from matapalo.strangler.errors import InvalidChange, RolloutConflict, RolloutNotFound, RolloutsUnavailable
from matapalo.strangler.rollout import client
from matapalo.strangler.rollout.activities import RolloutActivities
from matapalo.strangler.rollout.client import Command, Pace, Rollouts
from matapalo.strangler.rollout.messages import Phase, View
from matapalo.strangler.rollout.snapshot_store import RedisBoard
from matapalo.strangler.rollout.workflow import RollOut
from matapalo.strangler.routing.route import Route, Side
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.store.routes import connect
from matapalo.strangler.worker import create_worker
from tests.harness.clock import FakeClock
from tests.harness.engines import running
from tests.harness.ports import free_port
from tests.harness.waiting import eventually
from tests.matapalo.strangler.builders import a_document, a_route
from tests.matapalo.strangler.fakes import FakeStore
from tests.matapalo.strangler.rollout.scene import FakeTable

pytestmark = pytest.mark.stack


class Scene:
    """The control plane's side of rollouts; workers come and go."""

    def __init__(self, temporal_address: str, valkey_url: str, server: Client) -> None:
        self.route = a_route(f"r{uuid4().hex[:12]}", new="orders", writes=Side.LEGACY)
        self.client, self.address = server, temporal_address
        self.redis = connect(valkey_url)
        self.table, self.board = FakeTable(), RedisBoard(self.redis)
        self.rollouts = self.rollouts_over(self.route)

    def rollouts_over(self, route: Route, *, address: str = "") -> Rollouts:
        upstreams = ["orders", "legacy", "compare"]
        return Rollouts(
            Changes(FakeStore(a_document(1, route)), upstreams=upstreams, clock=FakeClock()),
            self.board,
            upstreams=upstreams,
            address=address or self.address,
            namespace="default",
            check_every_s=600,
            clock=FakeClock(),
        )

    def worker(self, **options: int) -> asyncio.Task[None]:
        worker = create_worker(self.client, RolloutActivities(table=self.table, board=self.board), **options)
        return asyncio.create_task(worker.run())

    async def start(self, plan: str = "5% for 1 day, 100%", *, check_every_s: float = 1) -> View:
        pace = Pace(check_every_s, 3)
        return await self.rollouts.start(self.route.name, plan, by="op_1", why="a quiet week", pace=pace)

    async def tell(self, command: Command) -> View:
        return await self.rollouts.tell(self.route.name, command, by="op_2", why="as agreed")

    async def shows(self, phase: Phase, *, looks: int = 0) -> View:
        async def shown() -> View | None:
            view = await self.board.of(self.route.name)
            return view if view and view.phase is phase and self.table.looks >= looks else None

        found = await eventually(shown, deadline_s=15, message=f"the board says {phase}")
        assert found is not None
        return found


@pytest_asyncio.fixture
async def scene(temporal_address: str, valkey_url: str) -> AsyncIterator[Scene]:
    found = Scene(temporal_address, valkey_url, await Client.connect(temporal_address))
    yield found
    await found.redis.aclose()


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_it_goes_on_where_it_was_with_another_worker_and_after_an_emptied_redis(scene: Scene) -> None:
    first = scene.worker()
    await scene.start()
    await scene.shows(Phase.RUNNING, looks=1)
    await stop(first)

    await scene.redis.delete("gateway:rollouts")
    second = scene.worker(max_cached_workflows=0)  # replays the history at every step
    view = await scene.shows(Phase.RUNNING, looks=2)
    assert (view.share_bp, view.step) == (500, 0)
    assert (await scene.tell(Command.HOLD)).because == "held by op_2: as agreed"
    with pytest.raises(RolloutConflict, match="it is held, and it would have to be running, waiting"):
        await scene.tell(Command.ADVANCE)
    await scene.tell(Command.RESUME)
    assert (await scene.tell(Command.ADVANCE)).phase is Phase.RUNNING
    assert (await scene.shows(Phase.DONE)).share_bp == 10_000
    await stop(second)


async def test_a_store_that_is_away_is_waited_for_and_then_the_route_taken_back(scene: Scene) -> None:
    worker = scene.worker()
    await scene.start()
    await scene.shows(Phase.RUNNING, looks=1)
    scene.table.is_down = True
    view = await scene.tell(Command.ROLLBACK)
    assert view.phase is Phase.RUNNING, "it answers in time, also when that is not done yet"
    scene.table.is_down = False
    view = await scene.shows(Phase.ROLLED_BACK)
    assert (scene.table.share_bp, view.because) == (0, "rolled back by op_2: as agreed")
    with pytest.raises(RolloutNotFound, match="no rollout under way"):
        await scene.tell(Command.HOLD)
    assert (await scene.start()).phase is Phase.RUNNING, "the route may have another one"
    await scene.tell(Command.ROLLBACK)
    await stop(worker)


async def test_a_route_has_one_rollout_at_a_time(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ORDER_TIMEOUT", timedelta(seconds=1))
    await scene.start()
    with pytest.raises(RolloutConflict, match="has a rollout under way"):
        await scene.start()
    with pytest.raises(RolloutsUnavailable, match="worker does not answer"):
        await scene.tell(Command.HOLD)  # nobody works here
    await scene.client.get_workflow_handle(f"rollout:{scene.route.name}").terminate()


async def test_a_cancelled_workflow_takes_the_route_back(scene: Scene) -> None:
    worker = scene.worker()
    await scene.start(check_every_s=3_600)
    await scene.shows(Phase.RUNNING)
    handle = scene.client.get_workflow_handle_for(RollOut.run, f"rollout:{scene.route.name}")
    await eventually(lambda: scene.table.share_bp == 500)
    await handle.cancel()
    with pytest.raises(WorkflowFailureError):
        await asyncio.wait_for(handle.result(), 10)
    assert scene.table.written == [(500, "op_1"), (0, "temporal")]
    assert (await scene.shows(Phase.ROLLED_BACK)).because == "rolled back by temporal: the workflow was cancelled"
    await stop(worker)


async def test_a_plan_that_does_not_fit_the_route_is_refused_before_it_starts(scene: Scene) -> None:
    with pytest.raises(InvalidChange, match="begin at 25 % or above"):
        await scene.rollouts_over(a_route(share_bp=2_500, writes=Side.LEGACY)).start(
            "orders", "5% for 1 day, 100%", by="op_1", why="x"
        )
    with pytest.raises(InvalidChange, match="two writers of one thing"):
        await scene.rollouts_over(a_route()).start("/api/orders/7", "5% for 1 day, 100%", by="op_1", why="x")


async def test_without_temporal_what_was_shown_is_still_read(scene: Scene) -> None:
    away = scene.rollouts_over(scene.route, address=f"127.0.0.1:{free_port()}")
    with pytest.raises(RolloutsUnavailable, match="Temporal does not answer"):
        await away.start(scene.route.name, "5% for 1 day, 100%", by="op_1", why="x")
    assert scene.route.name not in await away.latest()


async def test_it_goes_on_after_a_restart_of_temporal(valkey_url: str, tmp_path: Path) -> None:
    port, database, log = free_port(), tmp_path / "temporal.db", tmp_path / "temporal.log"
    command = temporal.command(port=port, ui_port=None, database=database, durable=False)
    address = f"127.0.0.1:{port}"
    with running(command, log=log):
        server = await eventually(partial(connected, address), deadline_s=30)
        assert server is not None
        scene = Scene(address, valkey_url, server)
        worker = scene.worker()
        await scene.start()
        await scene.shows(Phase.RUNNING, looks=1)
    with running(command, log=log):
        looks = scene.table.looks
        await scene.shows(Phase.RUNNING, looks=looks + 1)
        assert (await scene.tell(Command.ROLLBACK)).phase is Phase.ROLLED_BACK
        assert scene.table.written == [(500, "op_1"), (0, "op_2")]
        await stop(worker)
    await scene.redis.aclose()


async def connected(address: str) -> Client | None:
    try:
        found = await Client.connect(address)
        await found.count_workflows("WorkflowId = 'none'")
    except (RPCError, RuntimeError):
        return None
    return found
