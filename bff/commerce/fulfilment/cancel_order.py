"""Cancelling an order on behalf of a viewer: only one that the viewer may see.

`CANCELLATION` says what is stored of an outcome under its key.
"""

import re
from dataclasses import dataclass
from typing import Any

from bff.commerce.context import Context
from bff.commerce.fulfilment.outcomes import (
    CancellationPending,
    CancelOrderOutcome,
    OrderCancelled,
    OrderNotCancellable,
)
from bff.commerce.fulfilment.place_order import POLL_AFTER_MS
from bff.commerce.fulfilment.ports import CancelResult
from bff.commerce.fulfilment.queries import find_order
from bff.commerce.orders.loaders import load_orders
from bff.commerce.orders.model import Order, OrderStatus
from matapalo import BadUserInput, Forbidden, NotFound, Replay, UpstreamUnavailable

DEFAULT_REASON = "cancelled by the customer"
MAY_CANCEL = frozenset({"customer", "operator"})

#: One line of text: the orders service keeps it with the order.
_REASON = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


async def cancel_order(context: Context, *, order_id: str, reason: str | None) -> CancelOrderOutcome:
    """Cancel an order of the viewer's; an operator may cancel any. Raises `NotFound`."""
    context.subject()
    if context.viewer.role not in MAY_CANCEL:
        raise Forbidden("only customers and operators cancel orders")
    if reason is not None and not _REASON.fullmatch(reason):
        raise BadUserInput("reason: give 1 to 200 characters on one line", field="reason", value=reason[:40])
    await find_order(context, order_id)
    result = await context.workflows.cancel(order_id, reason or DEFAULT_REASON)
    if result is CancelResult.UNDER_WAY:
        return CancellationPending(order_id=order_id, poll_after_ms=POLL_AFTER_MS)
    context.loads.clear()
    order = await context.loads.one(load_orders, order_id)
    if order is None:
        return await _never_created(context, order_id, result)
    return _outcome(order, result)


async def _never_created(context: Context, order_id: str, result: CancelResult) -> CancelOrderOutcome:
    """Cancelled before the orders service had created it: there is nothing to show."""
    if result is CancelResult.NOT_RUNNING:
        raise NotFound(f"there is no order {order_id[:64]}")
    return CancellationPending(order_id=order_id, poll_after_ms=POLL_AFTER_MS)


def _outcome(order: Order, result: CancelResult) -> CancelOrderOutcome:
    if order.status is OrderStatus.CANCELLED:
        return OrderCancelled(order=order)
    if result is CancelResult.CANCELLED:
        raise UpstreamUnavailable(f"order {order.id} is cancelled, but cannot be read at the moment")
    if result is CancelResult.WITH_THE_CARRIER or order.status in (OrderStatus.SHIPPED, OrderStatus.DELIVERED):
        return OrderNotCancellable(order=order, reason="It has left the warehouse.")
    return OrderNotCancellable(order=order, reason="It was not ordered here: ask our customer service.")


@dataclass(frozen=True, slots=True)
class StoredCancellation:
    """What is stored of an `OrderCancelled`."""

    order_id: str


def _store(outcome: CancelOrderOutcome) -> StoredCancellation | None:
    return StoredCancellation(outcome.order.id) if isinstance(outcome, OrderCancelled) else None


async def _restore(context: Any, stored: StoredCancellation) -> CancelOrderOutcome:
    order = await context.loads.one(load_orders, stored.order_id)
    if order is None:
        raise UpstreamUnavailable(f"order {stored.order_id} is cancelled, but cannot be read at the moment")
    return OrderCancelled(order=order)


#: A refusal is not stored: nothing was done, and the next attempt may be judged anew.
CANCELLATION = Replay(StoredCancellation, store=_store, restore=_restore)
