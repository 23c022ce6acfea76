"""Orders, as a phone shows them: amounts are texts, nothing is loaded that no screen shows."""

from datetime import datetime

import strawberry

from bff.commerce.graphql import OrderStatus
from bff.commerce.orders.model import Order, OrderLine
from bff.commerce.shipping.loaders import load_tracking_numbers
from matapalo import Cost, projection, related, returns, sized


@projection(Order, name="OrderRow", description="An order in a list.")
class MobileOrderRow:
    id: strawberry.ID = strawberry.field(description="Stable identifier.")
    placed_at: datetime = strawberry.field(description="When it was placed.")
    status: OrderStatus = strawberry.field(description="Its status.")

    @returns(str, description="What it costs, ready to show.")
    @staticmethod
    def total(order: strawberry.Parent[Order]) -> str:
        return order.total.formatted


@projection(OrderLine, name="OrderItem", description="One product of an order, as it was at the purchase.")
class MobileOrderItem:
    product_name: str = strawberry.field(name="name", description="What the product was called.")
    quantity: int = strawberry.field(description="How many.")

    @returns(str, description="What one cost, ready to show.")
    @staticmethod
    def price(line: strawberry.Parent[OrderLine]) -> str:
        return line.unit_price.formatted


@projection(Order, name="Order", description="An order.")
class MobileOrder:
    id: strawberry.ID = strawberry.field(description="Stable identifier.")
    status: OrderStatus = strawberry.field(description="Its status.")
    items: list[MobileOrderItem] = strawberry.field(description="What was bought.", directives=[sized(8)])
    tracking_number: str | None = related(
        load_tracking_numbers,
        key="id",
        description="The carrier's number of its parcel; null until it is shipped.",
        directives=[Cost(weight=1)],
    )

    @returns(str, description="What all of it costs, ready to show.")
    @staticmethod
    def total(order: strawberry.Parent[Order]) -> str:
        return order.total.formatted
