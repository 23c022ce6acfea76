"""Following an order: the state of its steps, and its events as they happen, for a viewer who may see the order."""

from collections.abc import AsyncIterator, Sequence

from bff.commerce.context import Context
from bff.commerce.fulfilment.messages import Fulfilment, OrderEvent
from bff.commerce.orders.loaders import load_orders
from bff.commerce.orders.model import Order, OrderStatus
from matapalo import NotFound, UpstreamError, WorkflowsUnavailable

#: In these an order without events will get none: it was never fulfilled by a workflow, or its events have expired.
SETTLED = frozenset({OrderStatus.SHIPPED, OrderStatus.DELIVERED, OrderStatus.CANCELLED})

_SEES_ALL = frozenset({"operator", "service"})


async def load_fulfilments(context: Context, keys: Sequence[str]) -> list[Fulfilment | None]:
    """The steps of orders; None where nothing is known (any more). Whoever has the order may see them."""
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
    trouble: UpstreamError | None = None
    order: Order | None = None
    try:
        order = await context.loads.one(load_orders, order_id)
    except UpstreamError as error:
        trouble = error
    if order is not None or await _is_the_viewers(context, order_id):
        return order
    raise trouble or NotFound(f"there is no order {order_id[:64]}")


async def _is_the_viewers(context: Context, order_id: str) -> bool:
    subject = context.subject()
    try:
        customer = await context.workflows.customer_of(order_id)
    except WorkflowsUnavailable:
        return False
    return customer is not None and (customer == subject or context.viewer.role in _SEES_ALL)
