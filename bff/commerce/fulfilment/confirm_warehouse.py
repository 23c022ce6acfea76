"""The warehouse's confirmation that an order is packed: a signal to the order's workflow."""

from bff.commerce.context import Context
from bff.commerce.fulfilment.outcomes import ConfirmWarehouseOutcome, OrderNotWaiting, WarehouseConfirmed
from matapalo import Forbidden


async def confirm_warehouse(context: Context, order_id: str) -> ConfirmWarehouseOutcome:
    """Say for the warehouse that an order is packed."""
    context.subject()
    if context.viewer.role != "warehouse":
        raise Forbidden("only the warehouse confirms orders")
    if await context.workflows.confirm_warehouse(order_id):
        return WarehouseConfirmed(order_id=order_id)
    return OrderNotWaiting(order_id=order_id)
