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
from matapalo.strangler.rollout.messages import RolloutPhase, RolloutState
from matapalo.strangler.rollout.snapshot_store import RedisSnapshotStore
from matapalo.strangler.rollout.workflow import RolloutWorkflow
from matapalo.strangler.routing.route import Route, Side
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.store.routes import connect
from matapalo.strangler.worker import create_worker
from tests.harness.clock import FakeClock
from tests.harness.engines import running
from tests.harness.eventually import eventually
from tests.harness.ports import free_port
from tests.matapalo.strangler.builders import a_document, a_route
from tests.matapalo.strangler.fakes import FakeRouteStore
from tests.matapalo.strangler.rollout.fakes import FakeRouteTable

pytestmark = pytest.mark.stack


class RolloutsHarness:
    """The control plane's side of rollouts; workers come and go."""

    def __init__(self, temporal_address: str, valkey_url: str, server: Client) -> None:
        self.route = a_route(f"r{uuid4().hex[:12]}", new="orders", writes=Side.LEGACY)
        self.client, self.address = server, temporal_address
        self.redis = connect(valkey_url)
        self.table, self.snapshots = FakeRouteTable(), RedisSnapshotStore(self.redis)
        self.rollouts = self.rollouts_over(self.route)

    def rollouts_over(self, route: Route, *, address: str = "") -> Rollouts:
        upstreams = ["orders", "legacy", "compare"]
        return Rollouts(
            Changes(FakeRouteStore(a_document(1, route)), upstreams=upstreams, clock=FakeClock()),
            self.snapshots,
            upstreams=upstreams,
            address=address or self.address,
            namespace="default",
            check_every_s=600,
            clock=FakeClock(),
        )

    def worker(self, **options: int) -> asyncio.Task[None]:
        worker = create_worker(self.client, RolloutActivities(table=self.table, snapshots=self.snapshots), **options)
        return asyncio.create_task(worker.run())

    async def start(self, plan: str = "5% for 1 day, 100%", *, check_every_s: float = 1) -> RolloutState:
        pace = Pace(check_every_s, 3)
        return await self.rollouts.start(self.route.name, plan, by="op_1", why="a quiet week", pace=pace)

    async def send(self, command: Command) -> RolloutState:
        return await self.rollouts.send(self.route.name, command, by="op_2", why="as agreed")

    async def until(self, phase: RolloutPhase, *, checks: int = 0) -> RolloutState:
        async def snapshot() -> RolloutState | None:
            state = await self.snapshots.get(self.route.name)
            return state if state and state.phase is phase and self.table.checks >= checks else None

        state = await eventually(snapshot, deadline_s=15, message=f"the rollout is {phase}")
        assert state is not None
        return state


@pytest_asyncio.fixture
async def harness(temporal_address: str, valkey_url: str) -> AsyncIterator[RolloutsHarness]:
    rollouts = RolloutsHarness(temporal_address, valkey_url, await Client.connect(temporal_address))
    yield rollouts
    await rollouts.redis.aclose()


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_it_outlives_its_worker_and_an_emptied_redis(harness: RolloutsHarness) -> None:
    first = harness.worker()
    await harness.start()
    await harness.until(RolloutPhase.RUNNING, checks=1)
    await stop(first)

    await harness.redis.delete("gateway:rollouts")
    second = harness.worker(max_cached_workflows=0)  # replays the history at every step
    state = await harness.until(RolloutPhase.RUNNING, checks=2)
    assert (state.share_bp, state.step) == (500, 0)
    assert (await harness.send(Command.HOLD)).because == "held by op_2: as agreed"
    with pytest.raises(RolloutConflict, match="it is held, and it would have to be running, waiting"):
        await harness.send(Command.ADVANCE)
    await harness.send(Command.RESUME)
    assert (await harness.send(Command.ADVANCE)).phase is RolloutPhase.RUNNING
    assert (await harness.until(RolloutPhase.DONE)).share_bp == 10_000
    await stop(second)


async def test_a_rollback_waits_for_a_store_that_is_down(harness: RolloutsHarness) -> None:
    worker = harness.worker()
    await harness.start()
    await harness.until(RolloutPhase.RUNNING, checks=1)
    harness.table.is_down = True
    state = await harness.send(Command.ROLLBACK)
    assert state.phase is RolloutPhase.RUNNING, "it answers in time, also when that is not done yet"
    harness.table.is_down = False
    state = await harness.until(RolloutPhase.ROLLED_BACK)
    assert (harness.table.share_bp, state.because) == (0, "rolled back by op_2: as agreed")
    with pytest.raises(RolloutNotFound, match="no rollout under way"):
        await harness.send(Command.HOLD)
    assert (await harness.start()).phase is RolloutPhase.RUNNING, "the route may have another one"
    await harness.send(Command.ROLLBACK)
    await stop(worker)


async def test_a_route_has_one_rollout_at_a_time(harness: RolloutsHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "COMMAND_TIMEOUT", timedelta(seconds=1))
    await harness.start()
    with pytest.raises(RolloutConflict, match="has a rollout under way"):
        await harness.start()
    with pytest.raises(RolloutsUnavailable, match="worker does not answer"):
        await harness.send(Command.HOLD)  # no worker runs
    await harness.client.get_workflow_handle(f"rollout:{harness.route.name}").terminate()


async def test_a_cancelled_workflow_rolls_the_route_back(harness: RolloutsHarness) -> None:
    worker = harness.worker()
    await harness.start(check_every_s=3_600)
    await harness.until(RolloutPhase.RUNNING)
    handle = harness.client.get_workflow_handle_for(RolloutWorkflow.run, f"rollout:{harness.route.name}")
    await eventually(lambda: harness.table.share_bp == 500)
    await handle.cancel()
    with pytest.raises(WorkflowFailureError):
        await asyncio.wait_for(handle.result(), 10)
    assert harness.table.written == [(500, "op_1"), (0, "temporal")]
    assert (
        await harness.until(RolloutPhase.ROLLED_BACK)
    ).because == "rolled back by temporal: the workflow was cancelled"
    await stop(worker)


async def test_a_plan_that_does_not_fit_the_route_does_not_start(harness: RolloutsHarness) -> None:
    with pytest.raises(InvalidChange, match="begin at 25 % or above"):
        await harness.rollouts_over(a_route(share_bp=2_500, writes=Side.LEGACY)).start(
            "orders", "5% for 1 day, 100%", by="op_1", why="x"
        )
    with pytest.raises(InvalidChange, match="two writers of one thing"):
        await harness.rollouts_over(a_route()).start("/api/orders/7", "5% for 1 day, 100%", by="op_1", why="x")


async def test_without_temporal_snapshots_are_still_read(harness: RolloutsHarness) -> None:
    away = harness.rollouts_over(harness.route, address=f"127.0.0.1:{free_port()}")
    with pytest.raises(RolloutsUnavailable, match="Temporal does not answer"):
        await away.start(harness.route.name, "5% for 1 day, 100%", by="op_1", why="x")
    assert harness.route.name not in await away.latest()


async def test_it_goes_on_after_a_restart_of_temporal(valkey_url: str, tmp_path: Path) -> None:
    port, database, log = free_port(), tmp_path / "temporal.db", tmp_path / "temporal.log"
    command = temporal.command(port=port, ui_port=None, database=database, durable=False)
    address = f"127.0.0.1:{port}"
    with running(command, log=log):
        server = await eventually(partial(connected, address), deadline_s=30)
        assert server is not None
        harness = RolloutsHarness(address, valkey_url, server)
        worker = harness.worker()
        await harness.start()
        await harness.until(RolloutPhase.RUNNING, checks=1)
    with running(command, log=log):
        checks = harness.table.checks
        await harness.until(RolloutPhase.RUNNING, checks=checks + 1)
        assert (await harness.send(Command.ROLLBACK)).phase is RolloutPhase.ROLLED_BACK
        assert harness.table.written == [(500, "op_1"), (0, "op_2")]
        await stop(worker)
    await harness.redis.aclose()


async def connected(address: str) -> Client | None:
    try:
        server = await Client.connect(address)
        await server.count_workflows("WorkflowId = 'none'")
    except (RPCError, RuntimeError):
        return None
    return server
