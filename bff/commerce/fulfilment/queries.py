"""Reading orders on their way: the state of their steps and their events, for viewers who may see the order.

Operators also see every workflow, by its id or by that of its order.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence

from bff.commerce.context import Context
from bff.commerce.fulfilment.messages import Fulfilment, OrderEvent
from bff.commerce.fulfilment.outcomes import WorkflowRun
from bff.commerce.orders.loaders import load_orders
from bff.commerce.orders.model import Order, OrderStatus
from bff.commerce.pagination import Cursor, PageInfo, Slice, checked_first
from matapalo import (
    BadUserInput,
    BffError,
    Forbidden,
    NotFound,
    UpstreamError,
    WorkflowEvent,
    WorkflowState,
    WorkflowsUnavailable,
)

#: In these an order without events will get none: it was never fulfilled by a workflow, or its events have expired.
SETTLED = frozenset({OrderStatus.SHIPPED, OrderStatus.DELIVERED, OrderStatus.CANCELLED})

_SEES_ALL = frozenset({"operator", "service"})
_WORKFLOW_ID = re.compile(r"[A-Za-z]{1,40}:[0-9A-Za-z_-]{1,80}")
_AFTER = re.compile(r"[0-9]{1,9}")


async def load_fulfilments(context: Context, keys: Sequence[str]) -> list[Fulfilment | None]:
    """The steps of orders; None where they are not (or no longer) stored. For orders that the viewer has."""
    return await context.workflows.fulfilments(keys)


async def follow_order(context: Context, order_id: str, after: str | None) -> AsyncIterator[OrderEvent]:
    """The events of an order of the viewer, from the first one or after an event's id, until the last one.

    Raises `NotFound` for an order that the viewer does not see, before anything is read of it.
    """
    order = await find_order(context, order_id)
    closed = order is not None and order.status in SETTLED
    return context.workflows.events(order_id, after=after, closed=closed)


async def find_order(context: Context, order_id: str) -> Order | None:
    """The order, or None when the orders service does not have it (yet) and a workflow of the viewer's does.

    An order that is pending may not have been created, and its service may be away: its workflow says whose it is.
    Raises `NotFound`, and what the orders service failed with when no workflow is the viewer's.
    """
    failure: UpstreamError | None = None
    order: Order | None = None
    try:
        order = await context.loads.one(load_orders, order_id)
    except UpstreamError as error:
        failure = error
    if order is not None or await _is_the_viewers(context, order_id):
        return order
    raise failure or NotFound(f"there is no order {order_id[:64]}")


async def _is_the_viewers(context: Context, order_id: str) -> bool:
    subject = context.subject()
    try:
        customer = await context.workflows.customer_of(order_id)
    except WorkflowsUnavailable:
        return False
    return customer is not None and (customer == subject or context.viewer.role in _SEES_ALL)


async def inspect_workflow(context: Context, workflow_or_order_id: str) -> WorkflowRun | None:
    """The workflow with an id, or of an order; None when there is no such. Raises `Forbidden`."""
    _operators_only(context)
    workflow_id: str | None = workflow_or_order_id
    if not _WORKFLOW_ID.fullmatch(workflow_or_order_id):
        workflow_id = await context.workflows.workflow_of(workflow_or_order_id)
    state: WorkflowState | None = await context.loads.one(load_states, workflow_id) if workflow_id else None
    return None if state is None else WorkflowRun(id=state.id, run_id=state.run_id, started_at=state.started_at)


async def load_states(context: Context, keys: Sequence[str]) -> list[WorkflowState | Exception | None]:
    """The states of workflows by id, with one call for each."""
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
        raise Forbidden("only operators inspect workflows")
