"""Temporal's failures as ours: what a call raises when it is slow, busy, away, or when its caller has left.

The SDK reports a cancelled caller as a timed-out update (told apart here), a broken connection as UNKNOWN or INTERNAL,
and a failed lazy connection as a RuntimeError; a start's future complains on stderr unless its error is fetched.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from typing import Any

from temporalio.client import (
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError, TemporalError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from matapalo.errors import Overloaded, WorkflowsUnavailable

RPC_TIMEOUT = timedelta(seconds=1)
#: Beyond the RPC's own timeout: a call may have to connect first, and the SDK repeats calls.
GRACE_S = 0.2

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


@asynccontextmanager
async def within_rpc_timeout() -> AsyncIterator[None]:
    """Bound a call also while it connects: the SDK's timeouts begin after that."""
    try:
        async with asyncio.timeout(RPC_TIMEOUT.total_seconds() + GRACE_S):
            with unavailability():
                yield
    except TimeoutError as error:
        raise WorkflowsUnavailable("the workflow service does not respond", retry_after_s=1.0) from error


@asynccontextmanager
async def within_update_timeout(timeout: timedelta) -> AsyncIterator[None]:
    """TimeoutError for a slow update, CancelledError for a cancelled caller: the SDK raises one error for both."""
    try:
        # The RPC's own timeout comes first; this one is for its repetitions.
        async with asyncio.timeout(timeout.total_seconds() + GRACE_S):
            with unavailability():
                yield
    except WorkflowUpdateRPCTimeoutOrCancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError from error
        raise TimeoutError from error


@asynccontextmanager
async def fetched_errors(operation: WithStartWorkflowOperation[Any, Any]) -> AsyncIterator[None]:
    """Fetch the error of a start that failed: asyncio reports futures whose error is never fetched."""
    try:
        yield
    except (TemporalError, RPCError):
        with suppress(TemporalError, RPCError, TimeoutError):
            async with asyncio.timeout(0.01):  # it is there already, or will never be
                await operation.workflow_handle()
        raise


@contextmanager
def update_rejections(workflow_id: str) -> Iterator[None]:
    """Raise `UpdateRefused` or `NotRunning` for a workflow that does not take an update."""
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
def unless_missing(*also: RPCStatusCode) -> Iterator[None]:
    """Leave the block where there is no such workflow (NOT_FOUND), or the server says one of ``also``."""
    try:
        yield
    except RPCError as error:
        if error.status not in (RPCStatusCode.NOT_FOUND, *also):
            raise


@contextmanager
def unavailability() -> Iterator[None]:
    """Raise `WorkflowsUnavailable` or `Overloaded` for Temporal's ways of saying that it is away."""
    try:
        yield
    except RPCError as error:
        if error.status is RPCStatusCode.RESOURCE_EXHAUSTED:
            raise Overloaded("the workflow service is overloaded", retry_after_s=1.0) from error
        if error.status in _AWAY:
            raise WorkflowsUnavailable("the workflow service cannot be reached", retry_after_s=1.0) from error
        raise
    except (WorkflowAlreadyStartedError, WorkflowUpdateFailedError) as error:
        raise WorkflowsUnavailable("the workflow was stopped before it returned: send a new key") from error
    except RuntimeError as error:
        if "client connect" not in str(error):  # how a lazy client reports that it cannot connect
            raise
        raise WorkflowsUnavailable("the workflow service cannot be reached", retry_after_s=1.0) from error
