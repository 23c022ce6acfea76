"""Loads of shipments."""

from collections.abc import Sequence

from bff.commerce.context import Context
from bff.commerce.pagination import checked_first
from bff.commerce.rest import rows_by
from bff.commerce.shipping.model import Shipment
from matapalo import Listing


async def load_shipments_of_orders(context: Context, keys: Sequence[str]) -> list[Shipment | None]:
    """The shipment of each order; None for one that is not shipped yet."""
    context.subject()
    return await rows_by(context.rest, "/api/shipping", keys, into=Shipment, key="order_id", by="order_ids")


async def load_tracking_urls(context: Context, keys: Sequence[str]) -> list[str | Exception | None]:
    """Where to follow the parcel of each order; shares its calls with `load_shipments_of_orders`."""
    shipments = await context.loads.many(load_shipments_of_orders, keys)
    return [found.tracking_url if isinstance(found, Shipment) else found for found in shipments]


async def load_tracking_numbers(context: Context, keys: Sequence[str]) -> list[str | Exception | None]:
    """The carrier's number of the parcel of each order; shares its calls with `load_shipments_of_orders`."""
    shipments = await context.loads.many(load_shipments_of_orders, keys)
    return [found.tracking_number if isinstance(found, Shipment) else found for found in shipments]


async def read_shipments(context: Context, *, first: int) -> list[Shipment]:
    """The viewer's newest shipments. Raises `BadUserInput` for a size that cannot be."""
    context.subject()
    page = await context.rest.get("/api/shipping", {"limit": checked_first(first)}, into=Listing[Shipment])
    return page.items
