"""Cancelling an order on behalf of a viewer, and the warehouse's confirmation: the two ways to speak to an order.

Whose order it is is asked before anything else. `CANCELLATION` says what is kept of an outcome under its key.
"""

import re
from dataclasses import dataclass
from typing import Any

from bff.commerce.context import Context
from bff.commerce.fulfilment.following import find_order
from bff.commerce.fulfilment.outcomes import (
    CancellationPending,
    CancelOrderOutcome,
    ConfirmWarehouseOutcome,
    OrderCancelled,
    OrderNotCancellable,
    OrderNotWaiting,
    WarehouseConfirmed,
)
from bff.commerce.fulfilment.placement import POLL_AFTER_MS
from bff.commerce.fulfilment.ports import CancelAnswer
from bff.commerce.orders.loaders import load_orders
from bff.commerce.orders.model import Order, OrderStatus
from matapalo import BadUserInput, Forbidden, NotFound, Replay, UpstreamUnavailable

DEFAULT_REASON = "cancelled by the customer"
MAY_CANCEL = frozenset({"customer", "operator"})

#: One line of text: the orders service keeps it with the order.
_REASON = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


async def confirm_warehouse(context: Context, order_id: str) -> ConfirmWarehouseOutcome:
    """Say for the warehouse that an order is packed."""
    context.subject()
    if context.viewer.role != "warehouse":
        raise Forbidden("only the warehouse confirms orders")
    if await context.workflows.confirm_warehouse(order_id):
        return WarehouseConfirmed(order_id=order_id)
    return OrderNotWaiting(order_id=order_id)


async def cancel_order(context: Context, *, order_id: str, reason: str | None) -> CancelOrderOutcome:
    """Cancel an order of the viewer's; for operators, anybody's. Raises `NotFound`."""
    context.subject()
    if context.viewer.role not in MAY_CANCEL:
        raise Forbidden("only customers and operators cancel orders")
    if reason is not None and not _REASON.fullmatch(reason):
        raise BadUserInput("reason: give 1 to 200 characters on one line", field="reason", value=reason[:40])
    await find_order(context, order_id)
    answer = await context.workflows.cancel(order_id, reason or DEFAULT_REASON)
    if answer is CancelAnswer.UNDER_WAY:
        return CancellationPending(order_id=order_id, poll_after_ms=POLL_AFTER_MS)
    context.loads.clear()
    order = await context.loads.one(load_orders, order_id)
    if order is None:
        return await _never_created(context, order_id, answer)
    return _outcome(order, answer)


async def _never_created(context: Context, order_id: str, answer: CancelAnswer) -> CancelOrderOutcome:
    """Cancelled before the orders service had heard of it: there is nothing to show."""
    if answer is CancelAnswer.NOT_RUNNING:
        raise NotFound(f"there is no order {order_id[:64]}")
    return CancellationPending(order_id=order_id, poll_after_ms=POLL_AFTER_MS)


def _outcome(order: Order, answer: CancelAnswer) -> CancelOrderOutcome:
    if order.status is OrderStatus.CANCELLED:
        return OrderCancelled(order=order)
    if answer is CancelAnswer.UNDONE:
        raise UpstreamUnavailable(f"order {order.id} is cancelled, but cannot be read at the moment")
    if answer is CancelAnswer.WITH_THE_CARRIER or order.status in (OrderStatus.SHIPPED, OrderStatus.DELIVERED):
        return OrderNotCancellable(order=order, reason="It has left the warehouse.")
    return OrderNotCancellable(order=order, reason="It was not ordered here: ask our customer service.")


@dataclass(frozen=True, slots=True)
class KeptCancellation:
    """What is kept of a cancelled order."""

    order_id: str


def _keep(outcome: CancelOrderOutcome) -> KeptCancellation | None:
    return KeptCancellation(outcome.order.id) if isinstance(outcome, OrderCancelled) else None


async def _restore(context: Any, kept: KeptCancellation) -> CancelOrderOutcome:
    order = await context.loads.one(load_orders, kept.order_id)
    if order is None:
        raise UpstreamUnavailable(f"order {kept.order_id} is cancelled, but cannot be read at the moment")
    return OrderCancelled(order=order)


#: A refusal is not kept: nothing was done, and the next attempt may be judged anew.
CANCELLATION = Replay(KeptCancellation, store=_keep, restore=_restore)
