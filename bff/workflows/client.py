"""Starting, joining and signalling workflows from a request: quick to answer, quick to say that Temporal is away.

Connects when it is first used and again whenever it must, so a process starts and serves reads without Temporal.
Update-with-Start with a fixed update id and `REJECT_DUPLICATE` makes the server itself the record of what was asked:
the same workflow id gets the first answer while the workflow runs and after it has closed. It does not compare the
input; the caller does, by the fingerprint it put into input and memo.

Traps: the SDK reports a cancelled caller as a timed-out update (told apart here); its retries outlast a request by
default; the future in a start operation complains on stderr unless its error is fetched.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar, cast

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import TypedSearchAttributes, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import TemporalError, WorkflowAlreadyStartedError
from temporalio.service import RetryConfig, RPCError, RPCStatusCode
from temporalio.workflow import UpdateMethodMultiParam

from bff.errors import IdempotencyKeyReused, Overloaded, WorkflowsUnavailable
from bff.workflows.runtime import create_runtime

W = TypeVar("W")
A = TypeVar("A")
R = TypeVar("R")

FINGERPRINT = "fingerprint"
CONNECT_TIMEOUT = timedelta(seconds=1)
RPC_TIMEOUT = timedelta(seconds=1)
#: A refused connection is an answer to give at once, not to sit out; a blip of 100 ms is ridden through.
RETRIES = RetryConfig(initial_interval_millis=30, max_interval_millis=100, max_elapsed_time_millis=300, max_retries=3)
_AWAY = {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}


@dataclass(frozen=True, slots=True)
class Start(Generic[W, A]):
    """A workflow to start or join. ``fingerprint`` is of what was asked: another one under one id is a conflict."""

    workflow: Callable[[W, A], Awaitable[Any]]
    argument: A
    id: str
    task_queue: str
    fingerprint: str
    search_attributes: TypedSearchAttributes
    summary: str


class Workflows:
    """Temporal, for the requests of one process."""

    def __init__(self, *, address: str, namespace: str, max_in_flight: int = 32) -> None:
        self._address = address
        self._namespace = namespace
        self._client: Client | None = None
        self._max_in_flight = max_in_flight
        self._in_flight = 0

    async def start_or_join(
        self, start: Start[W, A], update: UpdateMethodMultiParam[[W], R], *, update_id: str, timeout: timedelta
    ) -> R | None:
        """What ``update`` answered, now or when it was first asked; None when it has not within ``timeout``.

        After None the workflow exists for certain. Raises `WorkflowsUnavailable`, `Overloaded`, `IdempotencyKeyReused`
        (only where there is no answer yet: compare the fingerprint in the answer yourself).
        """
        with self._bounded():
            client = await self._connected()
            operation = _operation(start)
            try:
                async with _deadline(timeout), _settled(operation):
                    with _unavailability():
                        answer = await client.execute_update_with_start_workflow(
                            cast(Any, update), start_workflow_operation=operation, id=update_id, rpc_timeout=timeout
                        )
                        return cast(R, answer)
            except TimeoutError:
                await self._assert_pending(client, start)
                return None

    async def signal(self, workflow_id: str, signal: Callable[[W], None]) -> bool:
        """Send it; False when no such workflow is running. Raises `WorkflowsUnavailable`."""
        client = await self._connected()
        async with _promptly():
            try:
                await client.get_workflow_handle(workflow_id).signal(cast(Any, signal), rpc_timeout=RPC_TIMEOUT)
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return False
                raise
        return True

    async def exists(self, workflow_id: str) -> bool:
        """Whether it runs or ran (within the namespace's retention). Raises `WorkflowsUnavailable`."""
        client = await self._connected()
        return await _described(client, workflow_id) is not None

    async def running_with_prefix(self, prefix: str) -> str | None:
        """The id of a running workflow that starts with ``prefix``, as visibility knows it (milliseconds late).

        ``prefix`` must not hold a quote: it goes into the query as it is.
        """
        client = await self._connected()
        query = f"WorkflowId STARTS_WITH '{prefix}' AND ExecutionStatus = 'Running'"
        async with _promptly():
            async for found in client.list_workflows(query, limit=1, rpc_timeout=RPC_TIMEOUT):
                return found.id
        return None

    async def _assert_pending(self, client: Client, start: Start[W, A]) -> None:
        memo = await _described(client, start.id)
        if memo is None:
            raise WorkflowsUnavailable("the workflow service did not answer in time", retry_after_s=1.0)
        if memo.get(FINGERPRINT) != start.fingerprint:
            raise IdempotencyKeyReused("this Idempotency-Key was used with other input")

    async def _connected(self) -> Client:
        if self._client is None:
            self._client = await Client.connect(
                self._address,
                namespace=self._namespace,
                lazy=True,
                connect_timeout=CONNECT_TIMEOUT,
                retry_config=RETRIES,
                runtime=create_runtime(),
            )
        return self._client

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        if self._in_flight >= self._max_in_flight:
            raise Overloaded("too many mutations are in flight here", retry_after_s=1.0)
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1


def _operation(start: Start[W, A]) -> WithStartWorkflowOperation[Any, Any]:
    return WithStartWorkflowOperation(
        cast(Any, start.workflow),
        start.argument,
        id=start.id,
        task_queue=start.task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        memo={FINGERPRINT: start.fingerprint},
        search_attributes=start.search_attributes,
        static_summary=start.summary,
    )


async def _described(client: Client, workflow_id: str) -> dict[str, Any] | None:
    """The workflow's memo, None when there is no such workflow."""
    async with _promptly():
        try:
            description = await client.get_workflow_handle(workflow_id).describe(rpc_timeout=RPC_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        return dict(await description.memo())


@asynccontextmanager
async def _promptly() -> AsyncIterator[None]:
    """A call within its time, also when it has to connect first: the SDK's time-outs begin after that."""
    try:
        async with asyncio.timeout(1.2 * RPC_TIMEOUT.total_seconds()):
            with _unavailability():
                yield
    except TimeoutError as error:
        raise WorkflowsUnavailable("the workflow service does not answer", retry_after_s=1.0) from error


@asynccontextmanager
async def _deadline(timeout: timedelta) -> AsyncIterator[None]:
    """TimeoutError for a slow update, CancelledError for a cancelled caller: the SDK raises one error for both."""
    try:
        # The RPC's own time-out comes first; this one is for its repetitions.
        async with asyncio.timeout(timeout.total_seconds() + 0.2):
            yield
    except WorkflowUpdateRPCTimeoutOrCancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError from error
        raise TimeoutError from error


@asynccontextmanager
async def _settled(operation: WithStartWorkflowOperation[Any, Any]) -> AsyncIterator[None]:
    """Fetch the error of a start that failed: asyncio reports futures whose error nobody asked for."""
    try:
        yield
    except (TemporalError, RPCError):
        with suppress(TemporalError, RPCError, TimeoutError):
            async with asyncio.timeout(0.01):  # it is there already, or will never be
                await operation.workflow_handle()
        raise


@contextmanager
def _unavailability() -> Iterator[None]:
    """Temporal's ways of saying that it is away, as ours."""
    try:
        yield
    except RPCError as error:
        if error.status is RPCStatusCode.RESOURCE_EXHAUSTED:
            raise Overloaded("the workflow service is overloaded", retry_after_s=1.0) from error
        if error.status in _AWAY:
            raise WorkflowsUnavailable("the workflow service cannot be reached", retry_after_s=1.0) from error
        raise
    except (WorkflowAlreadyStartedError, WorkflowUpdateFailedError) as error:
        raise WorkflowsUnavailable("the workflow was stopped before it answered: send a new key") from error
    except RuntimeError as error:
        if "client connect" not in str(error):  # how a lazy client reports that it cannot connect
            raise
        raise WorkflowsUnavailable("the workflow service cannot be reached", retry_after_s=1.0) from error
