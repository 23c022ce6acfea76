"""The durable workflow behind an order: its id for all who see the order, its state for operators."""

from datetime import datetime

import strawberry

from bff.commerce.fulfilment.outcomes import WorkflowRun
from bff.commerce.fulfilment.queries import load_histories, load_states
from bff.commerce.pagination import Slice
from bff.web.types.page import WebPageInfo
from matapalo import PendingActivity, WorkflowEvent, WorkflowState, projection, related, sized

_HISTORY = {"first": "How many at most: 1 to 100.", "after": "An event's id: go on after it."}


@projection(PendingActivity, name="PendingActivity", description="What a workflow waits for.")
class WebPendingActivity:
    name: str = strawberry.field(description="Which activity.")
    state: str = strawberry.field(description="SCHEDULED (waits for a worker or for its next attempt) or STARTED.")
    attempt: int = strawberry.field(description="Its attempt, from 1.")
    last_failure: str | None = strawberry.field(description="Why the attempt before failed.")
    next_attempt_at: datetime | None = strawberry.field(description="When it is tried next.")


@projection(WorkflowEvent, name="WorkflowEvent", description="One event of a workflow's history.")
class WebWorkflowEvent:
    id: int = strawberry.field(description="Its number in the history, from 1.")
    type: str = strawberry.field(description="Temporal's name for what happened.")
    at: datetime = strawberry.field(description="When.")
    detail: str = strawberry.field(description="The activity, signal or timer it is about, or what failed.")


@projection(Slice[WorkflowEvent], name="WorkflowEventConnection", description="A page of a history, oldest first.")
class WebWorkflowEventConnection:
    nodes: list[WebWorkflowEvent] = strawberry.field(description="The events.")
    page_info: WebPageInfo = strawberry.field(description="Where the page ends.")


@projection(WorkflowState, name="WorkflowState", description="The state of a workflow. For operators.")
class WebWorkflowState:
    type: str = strawberry.field(description="Its kind.")
    status: str = strawberry.field(description="Temporal's word: RUNNING, COMPLETED, CANCELED, FAILED, TERMINATED.")
    closed_at: datetime | None = strawberry.field(description="When it ended.")
    history_length: int = strawberry.field(description="How many events it has.")
    details: str | None = strawberry.field(description="What it is about.")
    pending_activities: list[WebPendingActivity] = strawberry.field(
        description="What it waits for.", directives=[sized(5)]
    )


@projection(WorkflowRun, name="Workflow", description="A durable workflow.")
class WebWorkflow:
    id: strawberry.ID = strawberry.field(description="Its id, as in Temporal's UI.")
    run_id: strawberry.ID = strawberry.field(description="The id of its run.")
    started_at: datetime = strawberry.field(description="When it began.")
    state: WebWorkflowState | None = related(load_states, key="id", description="Its state. For operators.")
    history: WebWorkflowEventConnection | None = related(
        load_histories,
        key="id",
        arguments=_HISTORY,
        description="What happened in it, oldest first. For operators.",
        directives=[sized(100, by=["first"], fields=["nodes"])],
    )
