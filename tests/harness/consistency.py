"""Do orders, payments, stock and shipments of the example business agree? Read from the database itself.

`inconsistencies` gives a sentence for everything that does not fit. It looks at orders that workflows placed
(`ord_` and 16 hex characters) and at all of the stock.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import asyncpg

from subgraphs.migrations import seed

Row = Mapping[str, Any]

_ORDERS = """
    SELECT o.id, o.customer_id, o.status, o.total_minor, o.payment_id, o.shipment_id,
           (SELECT count(*) FROM payments p WHERE p.order_id = o.id) AS payments,
           (SELECT count(*) FROM payments p WHERE p.order_id = o.id AND p.status = 'CHARGED') AS charged,
           (SELECT coalesce(sum(p.amount_minor), 0) FROM payments p WHERE p.order_id = o.id) AS paid_minor,
           (SELECT count(*) FROM shipments s WHERE s.order_id = o.id) AS shipments,
           (SELECT r.status FROM reservations r WHERE r.order_id = o.id) AS reservation
    FROM orders o WHERE o.id ~ '^ord_[0-9a-f]{16}$'
"""
_STOCK = """
    SELECT s.product_id, s.available, s.reserved,
           (SELECT coalesce(sum(l.quantity), 0) FROM reservation_lines l JOIN reservations r USING (order_id)
            WHERE l.product_id = s.product_id AND r.status = 'RESERVED') AS held
    FROM stock s
"""
_STRAY = """
    SELECT r.order_id FROM reservations r LEFT JOIN orders o ON o.id = r.order_id
    WHERE r.status = 'RESERVED' AND o.id IS NULL AND r.order_id ~ '^ord_[0-9a-f]{16}$'
"""


async def inconsistencies(dsn: str, *, settled: Sequence[str] = ()) -> list[str]:
    """Everything that does not fit. Orders in ``settled`` must be SHIPPED or CANCELLED, or not exist."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            orders = [dict(row) for row in await connection.fetch(_ORDERS)]
            stock = [dict(row) for row in await connection.fetch(_STOCK)]
            stray = [row["order_id"] for row in await connection.fetch(_STRAY)]
    finally:
        await connection.close()
    sentences = [sentence for order in orders for sentence in _of_order(order)]
    sentences += [sentence for row in stock for sentence in _of_product(row)]
    sentences += [f"{order_id}: stock is reserved for an order that does not exist" for order_id in stray]
    open_ = {order["id"]: order["status"] for order in orders if order["status"] not in ("SHIPPED", "CANCELLED")}
    return sentences + [f"{order_id}: is {open_[order_id]} at the end" for order_id in settled if order_id in open_]


async def statuses(dsn: str) -> dict[str, str]:
    """The orders that workflows placed, and how far they are."""
    connection = await asyncpg.connect(dsn)
    try:
        query = "SELECT id, status FROM orders WHERE id ~ '^ord_[0-9a-f]{16}$'"
        return {row["id"]: row["status"] for row in await connection.fetch(query)}
    finally:
        await connection.close()


def _of_order(order: Row) -> Iterator[str]:
    name = order["id"]
    if order["payments"] > 1:
        yield f"{name}: {order['payments']} payments"
    if order["payments"] and order["paid_minor"] != order["total_minor"]:
        yield f"{name}: paid {order['paid_minor']} of {order['total_minor']}"
    state = (order["charged"], order["reservation"] == "RESERVED", order["shipments"])
    if order["status"] in _EXPECTED and state != _EXPECTED[order["status"]]:
        yield f"{name}: {order['status']} with (charges, stock reserved, shipments) = {state}"


#: Charges that stand, whether stock is reserved, shipments. A shipment may be a moment ahead of its order.
_EXPECTED = {"CANCELLED": (0, False, 0), "SHIPPED": (1, True, 1)}


def _of_product(row: Row) -> Iterator[str]:
    name = row["product_id"]
    if row["reserved"] != row["held"]:
        yield f"{name}: {row['reserved']} reserved, orders hold {row['held']}"
    in_the_beginning = _seeded_units()[name]
    if row["available"] + row["reserved"] != in_the_beginning:
        yield f"{name}: {row['available']} + {row['reserved']} are not the {in_the_beginning} of the beginning"


@cache
def _seeded_units() -> dict[str, int]:
    (stock,) = (table for table in seed.generate() if table.name == "stock")
    return {product: available + reserved for product, available, reserved in stock.rows}
