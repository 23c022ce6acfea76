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

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecutionDescription,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import (
    SearchAttributeKey,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError, TemporalError, WorkflowAlreadyStartedError
from temporalio.service import RetryConfig, RPCError, RPCStatusCode
from temporalio.workflow import UpdateMethodMultiParam

from matapalo.errors import IdempotencyKeyReused, Overloaded, WorkflowsUnavailable
from matapalo.workflows.runtime import create_runtime

W = TypeVar("W")
A = TypeVar("A")
R = TypeVar("R")

FINGERPRINT = "fingerprint"
CONNECT_TIMEOUT = timedelta(seconds=1)
RPC_TIMEOUT = timedelta(seconds=1)
#: A refused connection is an answer to give at once, not to sit out; a blip of 100 ms is ridden through.
RETRIES = RetryConfig(initial_interval_millis=30, max_interval_millis=100, max_elapsed_time_millis=300, max_retries=3)
#: UNKNOWN and INTERNAL are what a call gets whose connection breaks under it.
_AWAY = {
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.UNKNOWN,
    RPCStatusCode.INTERNAL,
    RPCStatusCode.ABORTED,
}


class NotRunning(Exception):
    """There is no such workflow, or it has closed."""


class UpdateRefused(Exception):
    """The workflow's validator refused the update. ``type`` is that of its `ApplicationError`."""

    def __init__(self, message: str, *, type: str) -> None:
        super().__init__(message)
        self.type = type


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

    def __init__(
        self,
        *,
        address: str,
        namespace: str,
        converter: DataConverter = DataConverter.default,
        max_in_flight: int = 32,
    ) -> None:
        self._address = address
        self._converter = converter
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
                async with _deadline(timeout):
                    with _unavailability():
                        async with _settled(operation):
                            answer = await client.execute_update_with_start_workflow(
                                cast(Any, update), start_workflow_operation=operation, id=update_id, rpc_timeout=timeout
                            )
                            return cast(R, answer)
            except TimeoutError:
                await self._assert_same(client, start)
                return None

    async def start(self, start: Start[W, A]) -> bool:
        """Start it; False when it runs or ran already, with the same input.

        Raises `WorkflowsUnavailable`, `Overloaded`, `IdempotencyKeyReused`.
        """
        with self._bounded():
            client = await self._connected()
            try:
                async with _promptly():
                    await client.start_workflow(
                        cast(Any, start.workflow),
                        start.argument,
                        id=start.id,
                        task_queue=start.task_queue,
                        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                        memo={FINGERPRINT: start.fingerprint},
                        search_attributes=start.search_attributes,
                        static_summary=start.summary,
                        rpc_timeout=RPC_TIMEOUT,
                    )
            except WorkflowsUnavailable as error:
                if not isinstance(error.__cause__, WorkflowAlreadyStartedError):
                    raise
                await self._assert_same(client, start)
                return False
            return True

    async def update(
        self,
        workflow_id: str,
        update: Callable[..., R | Awaitable[R]],
        *arguments: object,
        update_id: str,
        timeout: timedelta,
    ) -> R | None:
        """What a running workflow answers, or answered before under this id; None when not within ``timeout``.

        Raises `NotRunning`, `UpdateRefused` (by the validator), `WorkflowsUnavailable`, `Overloaded`.
        """
        with self._bounded():
            client = await self._connected()
            handle = client.get_workflow_handle(workflow_id)
            try:
                async with _deadline(timeout):
                    with _unavailability(), _refusals(workflow_id):
                        answer = await handle.execute_update(
                            cast(Any, update), args=arguments, id=update_id, rpc_timeout=timeout
                        )
                        return cast(R, answer)
            except TimeoutError:
                return None

    async def query(self, workflow_id: str, query: Callable[[W], R]) -> R | None:
        """What the workflow answers, running or closed; None when there is no such workflow or no worker answers.

        Raises `WorkflowsUnavailable`.
        """
        client = await self._connected()
        try:
            async with asyncio.timeout(1.2 * RPC_TIMEOUT.total_seconds()):
                with _unavailability():
                    answer = await client.get_workflow_handle(workflow_id).query(
                        cast(Any, query), rpc_timeout=RPC_TIMEOUT
                    )
                    return cast(R, answer)
        except (TimeoutError, WorkflowQueryFailedError, WorkflowQueryRejectedError):
            return None
        except RPCError as error:
            if error.status in {RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION}:
                return None
            raise

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

    async def describe(self, workflow_id: str) -> WorkflowExecutionDescription | None:
        """What the server knows of a workflow, None when there is none. Raises `WorkflowsUnavailable`."""
        return await _described(await self._connected(), workflow_id)

    async def history(self, workflow_id: str, *, page_size: int) -> AsyncIterator[HistoryEvent]:
        """The events of a workflow, oldest first; none when there is no such workflow. Raises `WorkflowsUnavailable`.

        Each page has the time of a call.
        """
        client = await self._connected()
        pages = client.get_workflow_handle(workflow_id).fetch_history_events(
            page_size=page_size, rpc_timeout=RPC_TIMEOUT
        )
        while True:
            async with _promptly():
                try:
                    await pages.fetch_next_page()
                except RPCError as error:
                    if error.status is RPCStatusCode.NOT_FOUND:
                        return
                    raise
            for event in pages.current_page or ():
                yield event
            if not pages.next_page_token:
                return

    async def keyword(self, workflow_id: str, key: SearchAttributeKey[str]) -> str | None:
        """A search attribute of a workflow, None without either. Raises `WorkflowsUnavailable`."""
        client = await self._connected()
        description = await _described(client, workflow_id)
        return None if description is None else description.typed_search_attributes.get(key)

    async def id_with_prefix(self, *prefixes: str) -> str | None:
        """The id of a workflow, running or closed, that starts with a prefix, as visibility knows it (a little late).

        Prefixes must not hold a quote: they go into the query as they are. Raises `WorkflowsUnavailable`.
        """
        client = await self._connected()
        query = " OR ".join(f"WorkflowId STARTS_WITH '{prefix}'" for prefix in prefixes)
        async with _promptly():
            async for found in client.list_workflows(query, limit=1, rpc_timeout=RPC_TIMEOUT):
                return found.id
        return None

    async def _assert_same(self, client: Client, start: Start[W, A]) -> None:
        description = await _described(client, start.id)
        if description is None:
            raise WorkflowsUnavailable("the workflow service did not answer in time", retry_after_s=1.0)
        memo = await description.memo()
        if memo.get(FINGERPRINT) != start.fingerprint:
            raise IdempotencyKeyReused("this Idempotency-Key was used with other input")

    async def _connected(self) -> Client:
        if self._client is None:
            self._client = await Client.connect(
                self._address,
                namespace=self._namespace,
                data_converter=self._converter,
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


async def _described(client: Client, workflow_id: str) -> WorkflowExecutionDescription | None:
    """None when there is no such workflow."""
    async with _promptly():
        try:
            return await client.get_workflow_handle(workflow_id).describe(rpc_timeout=RPC_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise


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
def _refusals(workflow_id: str) -> Iterator[None]:
    """A workflow's ways of not taking an update, as ours."""
    try:
        yield
    except WorkflowUpdateFailedError as error:
        reason = error.cause
        raise UpdateRefused(
            reason.message if isinstance(reason, ApplicationError) else str(reason),
            type=(reason.type or "") if isinstance(reason, ApplicationError) else "",
        ) from error
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise NotRunning(workflow_id) from error
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
