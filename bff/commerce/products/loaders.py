"""Loads of products, which are public."""

from collections.abc import Sequence

from bff.commerce.context import Context
from bff.commerce.pagination import Slice, checked_text, page_request, read_slice
from bff.commerce.products.model import Product
from bff.commerce.rest import rows_by


async def load_products(context: Context, keys: Sequence[str]) -> list[Product | None]:
    """Products by id; None for one that does not exist."""
    return await rows_by(context.rest, "/api/products", keys, into=Product)


async def read_products(
    context: Context, *, first: int | None, after: str | None, search: str | None, category: str | None = None
) -> Slice[Product]:
    """A page of the products whose name holds ``search``, in ``category``."""
    filters = {"search": checked_text("search", search), "category": checked_text("category", category)}
    return await read_slice(context.rest, "/api/products", page_request(first, after), filters, into=Product)
