"""A workflow as operators see it: its state, what it waits for, and its history, as Temporal has them now.

Shows names, times, attempts and failure messages, never a payload: inputs and results may hold personal data.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import WorkflowExecutionDescription

from matapalo.workflows.client import Workflows

PAGE = 100
LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class PendingActivity:
    """What a workflow waits for: an activity that runs, or that will be tried again at ``next_attempt_at``."""

    name: str
    state: str
    attempt: int
    last_failure: str | None
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class WorkflowState:
    """The state of one workflow, running or closed."""

    id: str
    run_id: str
    type: str
    status: str
    started_at: datetime
    closed_at: datetime | None
    history_length: int
    details: str | None
    pending_activities: tuple[PendingActivity, ...]


@dataclass(frozen=True, slots=True)
class WorkflowEvent:
    """One event of a history. ``detail`` names what it is about, or says what failed."""

    id: int
    type: str
    at: datetime
    detail: str


class Inspector:
    """Reads the workflows of the namespace. One per BFF process."""

    def __init__(self, workflows: Workflows) -> None:
        self._workflows = workflows

    async def state(self, workflow_id: str) -> WorkflowState | None:
        """The state now, None when there is no such workflow. Raises `WorkflowsUnavailable`."""
        description = await self._workflows.describe(workflow_id)
        return None if description is None else await _state(description)

    async def history(self, workflow_id: str, *, first: int, after: int) -> tuple[list[WorkflowEvent], bool]:
        """At most ``first`` events after the id ``after``, oldest first, and whether there are more.

        Raises `WorkflowsUnavailable`. Histories have some dozens of events: pages before ``after`` are read
        and passed over.
        """
        events: list[WorkflowEvent] = []
        async for event in self._workflows.history(workflow_id, page_size=PAGE):
            if event.event_id > after:
                if len(events) == first:
                    return events, True
                events.append(_event(event))
        return events, False


async def _state(description: WorkflowExecutionDescription) -> WorkflowState:
    return WorkflowState(
        id=description.id,
        run_id=description.run_id,
        type=description.workflow_type,
        status=description.status.name if description.status is not None else "UNKNOWN",
        started_at=description.start_time,
        closed_at=description.close_time,
        history_length=description.history_length,
        details=await description.static_summary(),
        pending_activities=tuple(map(_pending, description.raw_description.pending_activities)),
    )


def _pending(info: PendingActivityInfo) -> PendingActivity:
    return PendingActivity(
        name=info.activity_type.name,
        state=PendingActivityState.Name(info.state).removeprefix("PENDING_ACTIVITY_STATE_"),
        attempt=info.attempt,
        last_failure=_reason(info.last_failure) if info.HasField("last_failure") else None,
        next_attempt_at=_time(info.scheduled_time) if info.HasField("scheduled_time") else None,
    )


def _event(event: HistoryEvent) -> WorkflowEvent:
    return WorkflowEvent(
        id=event.event_id,
        type=EventType.Name(event.event_type).removeprefix("EVENT_TYPE_"),
        at=_time(event.event_time),
        detail=_detail(event)[:LONGEST_TEXT],
    )


def _detail(event: HistoryEvent) -> str:
    """The name in the event's attributes, or the message of its failure."""
    name = event.WhichOneof("attributes")
    attributes = getattr(event, name) if name else None
    for field in ("activity_type", "workflow_type"):
        if field in _fields(attributes):
            return str(getattr(attributes, field).name)
    for field in ("marker_name", "signal_name", "timer_id", "patch_id"):
        if field in _fields(attributes):
            return str(getattr(attributes, field))
    if "accepted_request" in _fields(attributes):
        return str(attributes.accepted_request.input.name) if attributes is not None else ""
    return _reason(attributes.failure) if attributes is not None and "failure" in _fields(attributes) else ""


def _fields(attributes: object) -> set[str]:
    descriptor = getattr(attributes, "DESCRIPTOR", None)
    return set(descriptor.fields_by_name) if descriptor is not None else set()


def _reason(failure: Failure) -> str:
    while failure.HasField("cause"):
        failure = failure.cause
    return failure.message[:LONGEST_TEXT]


def _time(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)
