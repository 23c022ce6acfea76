"""Loads of customers."""

from collections.abc import Sequence

from bff.commerce.context import Context
from bff.commerce.customers.model import Customer
from bff.commerce.rest import rows_by


async def load_customers(context: Context, keys: Sequence[str]) -> list[Customer | None]:
    """Customers by id; None for one that does not exist or is not the viewer's to see."""
    context.subject()
    return await rows_by(context.rest, "/api/customers", keys, into=Customer)
