"""Looking into workflows: for operators alone, who see every workflow by its id or by the id of its order."""

import asyncio
import re
from collections.abc import Sequence

from bff.commerce.context import Context
from bff.commerce.fulfilment.outcomes import WorkflowRun
from bff.commerce.pagination import Cursor, PageInfo, Slice, checked_first
from matapalo import BadUserInput, BffError, Forbidden, WorkflowEvent, WorkflowState

_WORKFLOW_ID = re.compile(r"[A-Za-z]{1,40}:[0-9A-Za-z_-]{1,80}")
_AFTER = re.compile(r"[0-9]{1,9}")


async def look_into(context: Context, workflow_or_order_id: str) -> WorkflowRun | None:
    """A workflow, None when there is no such. Raises `Forbidden`."""
    _operators_only(context)
    workflow_id: str | None = workflow_or_order_id
    if not _WORKFLOW_ID.fullmatch(workflow_or_order_id):
        workflow_id = await context.workflows.workflow_of(workflow_or_order_id)
    state: WorkflowState | None = await context.loads.one(load_states, workflow_id) if workflow_id else None
    return None if state is None else WorkflowRun(id=state.id, run_id=state.run_id, started_at=state.started_at)


async def load_states(context: Context, keys: Sequence[str]) -> list[WorkflowState | Exception | None]:
    """Workflows by id, one call each."""
    _operators_only(context)
    return await asyncio.gather(*(_state(context, key) for key in keys))


async def load_histories(
    context: Context, keys: Sequence[str], *, first: int | None = 20, after: str | None = None
) -> list[Slice[WorkflowEvent] | Exception | None]:
    """A page of each workflow's history, oldest first. ``after`` is an event's id."""
    _operators_only(context)
    if after is not None and not _AFTER.fullmatch(after):
        raise BadUserInput("after: give the id of an event", field="after", value=after[:40])
    size, position = checked_first(first), int(after or 0)
    return await asyncio.gather(*(_page(context, key, size, position) for key in keys))


async def _state(context: Context, workflow_id: str) -> WorkflowState | Exception | None:
    try:
        return await context.inspector.state(workflow_id)
    except BffError as error:
        return error


async def _page(context: Context, workflow_id: str, first: int, after: int) -> Slice[WorkflowEvent] | Exception | None:
    try:
        events, more = await context.inspector.history(workflow_id, first=first, after=after)
    except BffError as error:
        return error
    end = str(events[-1].id) if events else None
    return Slice(nodes=events, start=Cursor(), page_info=PageInfo(has_next_page=more, end_cursor=end))


def _operators_only(context: Context) -> None:
    context.subject()
    if context.viewer.role != "operator":
        raise Forbidden("only operators look into workflows")
