"""Reads of recommendations. Who is no customer gets the popular ones."""

from bff.commerce.context import Context
from bff.commerce.pagination import checked_first
from bff.commerce.products.loaders import load_products
from bff.commerce.products.model import Product
from bff.commerce.recommendations.model import Recommendation
from matapalo import Listing


async def read_recommended_products(context: Context, *, first: int | None) -> list[Product]:
    """The products recommended to the viewer, best first; those that no longer exist are left out."""
    customer_id = context.viewer.subject if context.viewer.role == "customer" else None
    params = {"customer_id": customer_id, "limit": checked_first(first, default=8)}
    listing = await context.rest.get("/api/recommendations", params, into=Listing[Recommendation])
    products = await context.loads.many(load_products, [row.product_id for row in listing.items])
    for product in products:
        if isinstance(product, Exception):
            raise product
    return [product for product in products if product is not None]
