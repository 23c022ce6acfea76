"""Orders, as `GET /api/orders` returns them."""

from datetime import datetime
from enum import Enum

import msgspec

from bff.commerce.money import Money
from matapalo import Listing


class OrderStatus(Enum):
    """How far an order has come."""

    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"


class OrderLine(msgspec.Struct, frozen=True):
    """One product of an order, with the name and the price of the purchase."""

    product_id: str
    product_name: str
    quantity: int
    unit_price: Money


class Order(msgspec.Struct, frozen=True):
    """What a customer bought. ``items_count`` is the sum of the quantities."""

    id: str
    customer_id: str
    placed_at: datetime
    status: OrderStatus
    total: Money
    items_count: int
    items: list[OrderLine]
    cancel_reason: str | None = None


class OrdersSummary(msgspec.Struct, frozen=True):
    """All orders of a customer in figures; cancelled ones are not counted."""

    customer_id: str
    order_count: int
    total_spent: Money
    favorite_categories: list[str]


class CustomerOrders(msgspec.Struct, frozen=True):
    """The newest orders of one customer, as in the response of `GET /api/orders/by-customer`."""

    customer_id: str
    items: list[Order]
    next_cursor: str | None = None

    def listing(self) -> Listing[Order]:
        """The same as a page of a list."""
        return Listing(self.items, self.next_cursor)
