"""Loads of payments."""

from collections.abc import Sequence

from bff.commerce.context import Context
from bff.commerce.payments.model import Payment
from bff.commerce.rest import rows_by


async def load_payments_of_orders(context: Context, keys: Sequence[str]) -> list[Payment | None]:
    """The payment of each order; None for one that is not paid yet."""
    context.subject()
    return await rows_by(context.rest, "/api/payments", keys, into=Payment, key="order_id", by="order_ids")
