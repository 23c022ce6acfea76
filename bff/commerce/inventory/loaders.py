"""Loads of stock, which is public."""

from collections.abc import Sequence

from bff.commerce.context import Context
from bff.commerce.inventory.model import Stock
from bff.commerce.rest import rows_by


async def load_available(context: Context, keys: Sequence[str]) -> list[int | None]:
    """How many of each product can be bought now; None for a product that inventory does not know."""
    rows = await rows_by(context.rest, "/api/inventory", keys, into=Stock, key="product_id")
    return [row.available if row is not None else None for row in rows]
