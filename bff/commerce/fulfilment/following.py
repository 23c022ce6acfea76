"""Following an order: the state of its steps, and its events as they happen, for a viewer who may see the order."""

from collections.abc import AsyncIterator, Sequence

from bff.commerce.context import Context
from bff.commerce.fulfilment.messages import Fulfilment, OrderEvent
from bff.commerce.orders.loaders import load_orders
from bff.commerce.orders.model import OrderStatus
from bff.errors import NotFound

#: In these an order without events will get none: it was never fulfilled by a workflow, or its events have expired.
SETTLED = frozenset({OrderStatus.SHIPPED, OrderStatus.DELIVERED, OrderStatus.CANCELLED})


async def load_fulfilments(context: Context, keys: Sequence[str]) -> list[Fulfilment | None]:
    """The steps of orders; None where nothing is known (any more). Whoever has the order may see them."""
    return await context.workflows.fulfilments(keys)


async def follow_order(context: Context, order_id: str, after: str | None) -> AsyncIterator[OrderEvent]:
    """The events of an order of the viewer, from the first one or after an event's id, until the last one.

    Raises `NotFound` for an order that the viewer does not see, before anything is read of it.
    """
    order = await context.loads.one(load_orders, order_id)
    if order is None:
        raise NotFound(f"there is no order {order_id[:64]}")
    return context.workflows.events(order.id, after=after, closed=order.status in SETTLED)
