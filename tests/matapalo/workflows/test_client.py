"""Starting workflows while Temporal is slow, busy or away, or when the caller has left."""

import asyncio
import gc
import socket
import uuid
from datetime import timedelta

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.common import TypedSearchAttributes

from matapalo.errors import IdempotencyKeyReused, Overloaded, WorkflowsUnavailable
from matapalo.workflows.client import Start, Workflows
from tests.harness.ports import free_port

pytestmark = pytest.mark.stack

SOON = timedelta(seconds=0.5)


@workflow.defn
class NeverRun:
    """No worker polls for it."""

    @workflow.run
    async def run(self, _argument: str) -> None: ...

    @workflow.update
    async def result(self) -> str:
        return "never"


def make_start(*, fingerprint: str = "input", workflow_id: str | None = None) -> Start[NeverRun, str]:
    return Start(
        workflow=NeverRun.run,
        argument="x",
        id=workflow_id or f"test:{uuid.uuid4().hex}",
        task_queue="without-a-worker",
        fingerprint=fingerprint,
        search_attributes=TypedSearchAttributes.empty,
        summary="a test",
    )


async def join(workflows: Workflows, start: Start[NeverRun, str]) -> str | None:
    return await workflows.start_or_join(start, NeverRun.result, update_id="result", timeout=SOON)


async def test_no_result_in_time_means_that_the_workflow_exists(temporal_address: str):
    workflows = Workflows(address=temporal_address, namespace="default")
    start = make_start()
    assert await join(workflows, start) is None
    assert await workflows.exists(start.id)
    assert not await workflows.exists("test:another")


async def test_other_input_is_a_conflict_while_there_is_no_result(temporal_address: str):
    workflows = Workflows(address=temporal_address, namespace="default")
    start = make_start()
    await join(workflows, start)
    with pytest.raises(IdempotencyKeyReused):
        await join(workflows, make_start(workflow_id=start.id, fingerprint="something else"))


async def test_a_workflow_that_was_stopped_by_hand_asks_for_a_new_key(temporal_address: str):
    workflows = Workflows(address=temporal_address, namespace="default")
    start = make_start()
    await join(workflows, start)
    client = await Client.connect(temporal_address)
    await client.get_workflow_handle(start.id).terminate()
    with pytest.raises(WorkflowsUnavailable, match="new key"):
        await join(workflows, start)


async def test_what_is_over_the_bound_is_refused_at_once(temporal_address: str):
    workflows = Workflows(address=temporal_address, namespace="default", max_in_flight=1)
    first = asyncio.create_task(join(workflows, make_start()))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded) as refusal:
        await join(workflows, make_start())
    assert refusal.value.retry_after_s == 1.0
    assert await first is None
    assert await join(workflows, make_start()) is None


async def test_a_caller_that_leaves_is_cancelled_and_not_timed_out(temporal_address: str):
    workflows = Workflows(address=temporal_address, namespace="default", max_in_flight=1)
    caller = asyncio.create_task(join(workflows, make_start()))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert await join(workflows, make_start()) is None


async def test_a_server_that_is_not_there_is_unavailable_at_once():
    workflows = Workflows(address=f"127.0.0.1:{free_port()}", namespace="default")
    async with asyncio.timeout(1):
        for _ in range(2):
            with pytest.raises(WorkflowsUnavailable):
                await join(workflows, make_start())
        with pytest.raises(WorkflowsUnavailable):
            await workflows.exists("test:1")
        with pytest.raises(WorkflowsUnavailable):
            await workflows.id_with_prefix("test:1")


async def test_a_server_that_never_responds_is_unavailable_in_time():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        workflows = Workflows(address=f"127.0.0.1:{silent.getsockname()[1]}", namespace="default")
        async with asyncio.timeout(4):
            with pytest.raises(WorkflowsUnavailable):
                await join(workflows, make_start())


async def test_a_failed_start_leaves_no_unfetched_error(caplog: pytest.LogCaptureFixture):
    workflows = Workflows(address=f"127.0.0.1:{free_port()}", namespace="default")
    with pytest.raises(WorkflowsUnavailable):
        await join(workflows, make_start())
    gc.collect()
    assert [record.message for record in caplog.records if record.name == "asyncio"] == []
