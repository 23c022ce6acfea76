"""Loads of orders. Everything here has an owner: an anonymous viewer gets `Unauthenticated`."""

import asyncio
from collections.abc import Sequence

from bff.commerce.context import Context
from bff.commerce.orders.model import CustomerOrders, Order, OrdersSummary, OrderStatus
from bff.commerce.pagination import PageRequest, Slice, page_request, read_slice, slice_of
from bff.commerce.rest import is_id, rows_by
from matapalo import BffError, NotFound


async def load_orders(context: Context, keys: Sequence[str]) -> list[Order | None]:
    """Orders by id; None for one that does not exist or is not the viewer's."""
    context.subject()
    return await rows_by(context.rest, "/api/orders", keys, into=Order)


async def load_orders_of_customers(
    context: Context,
    keys: Sequence[str],
    *,
    first: int | None = 20,
    after: str | None = None,
    status: OrderStatus | None = None,
) -> list[Slice[Order] | Exception | None]:
    """A page of each customer's orders, newest first; None for a customer who is not the viewer's to see.

    The first page of all customers is one call; later pages, whose cursors differ, are one call each.
    """
    context.subject()
    page = page_request(first, after)
    if page.after.upstream is None:
        return await _first_pages(context, keys, page, status)
    return await asyncio.gather(*(_later_page(context, key, page, status) for key in keys))


async def read_all_orders(
    context: Context, *, first: int | None, after: str | None, status: OrderStatus | None
) -> Slice[Order]:
    """A page of all customers' orders, newest first. For operators: a customer gets their own only."""
    context.subject()
    filters = {"status": status.value if status else None}
    return await read_slice(context.rest, "/api/orders", page_request(first, after), filters, into=Order)


async def load_summaries(context: Context, keys: Sequence[str]) -> list[OrdersSummary | Exception | None]:
    """The orders of each customer in figures: one call each, the service has no batch."""
    context.subject()
    return await asyncio.gather(*(_summary(context, key) for key in keys))


async def _first_pages(
    context: Context, keys: Sequence[str], page: PageRequest, status: OrderStatus | None
) -> list[Slice[Order] | Exception | None]:
    newest = await context.rest.get_many(
        "/api/orders/by-customer",
        [key for key in keys if is_id(key)],
        into=CustomerOrders,
        by="customer_ids",
        params={"limit": page.limit, "status": status.value if status else None},
    )
    pages = {orders.customer_id: slice_of(orders.listing(), page) for orders in newest}
    return [pages.get(key) for key in keys]


async def _later_page(
    context: Context, customer_id: str, page: PageRequest, status: OrderStatus | None
) -> Slice[Order] | Exception | None:
    filters = {"customer_id": customer_id, "status": status.value if status else None}
    try:
        return await read_slice(context.rest, "/api/orders", page, filters, into=Order)
    except NotFound:
        return None
    except BffError as error:
        return error


async def _summary(context: Context, customer_id: str) -> OrdersSummary | Exception | None:
    try:
        return await context.rest.get("/api/orders/summary", {"customer_id": customer_id}, into=OrdersSummary)
    except NotFound:
        return None
    except BffError as error:
        return error
