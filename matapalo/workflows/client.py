"""Starting, joining and signalling workflows from a request: quick to respond, quick to say that Temporal is away.

Connects when it is first used and again whenever it must, so a process starts and serves reads without Temporal.
Update-with-Start with a fixed update id and `REJECT_DUPLICATE` makes the server itself the source of truth:
the same workflow id gets the first result while the workflow runs and after it has closed. It does not compare the
input; the caller does, by the fingerprint it put into input and memo.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
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
)
from temporalio.common import (
    SearchAttributeKey,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.converter import DataConverter
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RetryConfig, RPCError, RPCStatusCode
from temporalio.workflow import UpdateMethodMultiParam

from matapalo.errors import IdempotencyKeyReused, Overloaded, WorkflowsUnavailable
from matapalo.workflows.failures import (
    GRACE_S,
    RPC_TIMEOUT,
    fetched_errors,
    unavailability,
    unless_missing,
    update_rejections,
    within_rpc_timeout,
    within_update_timeout,
)
from matapalo.workflows.runtime import create_runtime

W = TypeVar("W")
A = TypeVar("A")
R = TypeVar("R")

FINGERPRINT = "fingerprint"
CONNECT_TIMEOUT = timedelta(seconds=1)
#: The SDK's own retries outlast a request. A refused connection fails at once; a blip of 100 ms is ridden through.
RETRIES = RetryConfig(initial_interval_millis=30, max_interval_millis=100, max_elapsed_time_millis=300, max_retries=3)


def workflow_id(field: str, record_id: str) -> str:
    """The id of the workflow that runs mutation ``field`` for an idempotency record: the same for the same key."""
    return f"{field}:{record_id}"


@dataclass(frozen=True, slots=True)
class Start(Generic[W, A]):
    """A workflow to start or join. ``fingerprint`` is of its input: another one under one id is a conflict."""

    workflow: Callable[[W, A], Awaitable[Any]]
    argument: A
    id: str
    task_queue: str
    fingerprint: str
    search_attributes: TypedSearchAttributes
    summary: str

    def options(self) -> dict[str, Any]:
        """The arguments of both of the SDK's ways to start a workflow."""
        return {
            "id": self.id,
            "task_queue": self.task_queue,
            "id_reuse_policy": WorkflowIDReusePolicy.REJECT_DUPLICATE,
            "memo": {FINGERPRINT: self.fingerprint},
            "search_attributes": self.search_attributes,
            "static_summary": self.summary,
        }


class Workflows:
    """Temporal, for the requests of one process. At most ``max_in_flight`` mutations wait for it at once."""

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
        """What ``update`` returned, now or when it was first sent; None when it has not within ``timeout``.

        After None the workflow exists for certain. Raises `WorkflowsUnavailable`, `Overloaded`, `IdempotencyKeyReused`
        (only where there is no result yet: compare the fingerprint in the result yourself).
        """
        with self._bounded():
            client = await self._connected()
            operation = WithStartWorkflowOperation(
                cast(Any, start.workflow),
                start.argument,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                **start.options(),
            )
            try:
                async with within_update_timeout(timeout), fetched_errors(operation):
                    result = await client.execute_update_with_start_workflow(
                        cast(Any, update), start_workflow_operation=operation, id=update_id, rpc_timeout=timeout
                    )
                    return cast(R, result)
            except TimeoutError:
                await self._assert_same(start)
                return None

    async def start(self, start: Start[W, A]) -> bool:
        """Start it; False when it runs or ran already, with the same input.

        Raises `WorkflowsUnavailable`, `Overloaded`, `IdempotencyKeyReused`.
        """
        with self._bounded():
            client = await self._connected()
            try:
                async with within_rpc_timeout():
                    await client.start_workflow(
                        cast(Any, start.workflow),
                        start.argument,
                        rpc_timeout=RPC_TIMEOUT,
                        **start.options(),
                    )
            except WorkflowsUnavailable as error:
                if not isinstance(error.__cause__, WorkflowAlreadyStartedError):
                    raise
                await self._assert_same(start)
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
        """What a running workflow returns, or returned before under this id; None when not within ``timeout``.

        Raises `NotRunning`, `UpdateRefused` (by the validator), `WorkflowsUnavailable`, `Overloaded`.
        """
        with self._bounded():
            client = await self._connected()
            handle = client.get_workflow_handle(workflow_id)
            try:
                async with within_update_timeout(timeout):
                    with update_rejections(workflow_id):
                        result = await handle.execute_update(
                            cast(Any, update), args=arguments, id=update_id, rpc_timeout=timeout
                        )
                        return cast(R, result)
            except TimeoutError:
                return None

    async def query(self, workflow_id: str, query: Callable[[W], R]) -> R | None:
        """What the workflow returns, running or closed; None when there is no such workflow, or no worker for it.

        Raises `WorkflowsUnavailable`.
        """
        client = await self._connected()
        try:
            async with asyncio.timeout(RPC_TIMEOUT.total_seconds() + GRACE_S):
                with unavailability(), unless_missing(RPCStatusCode.FAILED_PRECONDITION):  # no worker polls
                    handle = client.get_workflow_handle(workflow_id)
                    return cast(R, await handle.query(cast(Any, query), rpc_timeout=RPC_TIMEOUT))
        except (TimeoutError, WorkflowQueryFailedError, WorkflowQueryRejectedError):
            return None
        return None

    async def signal(self, workflow_id: str, signal: Callable[[W], None]) -> bool:
        """Send it; False when no such workflow is running. Raises `WorkflowsUnavailable`."""
        client = await self._connected()
        async with within_rpc_timeout():
            with unless_missing():
                await client.get_workflow_handle(workflow_id).signal(cast(Any, signal), rpc_timeout=RPC_TIMEOUT)
                return True
        return False

    async def exists(self, workflow_id: str) -> bool:
        """Whether it runs or ran (within the namespace's retention). Raises `WorkflowsUnavailable`."""
        return await self.describe(workflow_id) is not None

    async def describe(self, workflow_id: str) -> WorkflowExecutionDescription | None:
        """The server's description of a workflow, None when there is none. Raises `WorkflowsUnavailable`."""
        client = await self._connected()
        async with within_rpc_timeout():
            with unless_missing():
                return await client.get_workflow_handle(workflow_id).describe(rpc_timeout=RPC_TIMEOUT)
        return None

    async def history(self, workflow_id: str, *, page_size: int) -> AsyncIterator[HistoryEvent]:
        """The events of a workflow, oldest first; none when there is no such workflow. Raises `WorkflowsUnavailable`.

        Each page has the time of a call.
        """
        client = await self._connected()
        pages = client.get_workflow_handle(workflow_id).fetch_history_events(
            page_size=page_size, rpc_timeout=RPC_TIMEOUT
        )
        while True:
            async with within_rpc_timeout():
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

    async def search_attribute(self, workflow_id: str, key: SearchAttributeKey[str]) -> str | None:
        """A search attribute of a workflow, None without either. Raises `WorkflowsUnavailable`."""
        description = await self.describe(workflow_id)
        return None if description is None else description.typed_search_attributes.get(key)

    async def id_with_prefix(self, *prefixes: str) -> str | None:
        """The id of a workflow, running or closed, that starts with a prefix, as visibility has it (a little late).

        Prefixes must not hold a quote: they go into the query as they are. Raises `WorkflowsUnavailable`.
        """
        client = await self._connected()
        query = " OR ".join(f"WorkflowId STARTS_WITH '{prefix}'" for prefix in prefixes)
        async with within_rpc_timeout():
            async for execution in client.list_workflows(query, limit=1, rpc_timeout=RPC_TIMEOUT):
                return execution.id
        return None

    async def _assert_same(self, start: Start[W, A]) -> None:
        description = await self.describe(start.id)
        if description is None:
            raise WorkflowsUnavailable("the workflow service did not respond in time", retry_after_s=1.0)
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
