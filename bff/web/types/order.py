"""Orders, as the web shows them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from bff.commerce.customers.loaders import load_customers
from bff.commerce.fulfilment.queries import load_fulfilments
from bff.commerce.graphql import OrderStatus, PaymentStatus, ShipmentStatus
from bff.commerce.orders.model import Order, OrderLine, OrdersSummary
from bff.commerce.pagination import Edge, Slice
from bff.commerce.payments.loaders import load_payments_of_orders
from bff.commerce.payments.model import Payment
from bff.commerce.products.loaders import load_products
from bff.commerce.shipping.loaders import load_shipments_of_orders, load_tracking_urls
from bff.commerce.shipping.model import Shipment
from bff.web.types.entity import BY_ID
from bff.web.types.fulfilment import WebFulfilment
from bff.web.types.money import WebMoney
from bff.web.types.page import PART_OF_A_LIST, WebPageInfo
from bff.web.types.product import WebProduct
from matapalo import Cost, projection, related, sized

if TYPE_CHECKING:
    from bff.web.types.customer import WebCustomer


@projection(OrderLine, name="OrderLine", description="One product of an order, as it was at the purchase.")
class WebOrderLine:
    product_name: str = strawberry.field(description="What the product was called.")
    quantity: int = strawberry.field(description="How many.")
    unit_price: WebMoney = strawberry.field(description="What one cost.")
    product: WebProduct | None = related(
        load_products, key="product_id", description="The product as it is today; null when it is no longer sold."
    )


@projection(Payment, name="Payment", description="A payment for an order.")
class WebPayment:
    id: strawberry.ID = strawberry.field(description="Stable identifier.")
    amount: WebMoney = strawberry.field(description="How much.")
    status: PaymentStatus = strawberry.field(description="Its status.")
    method: str = strawberry.field(description="What was charged.")
    created_at: datetime = strawberry.field(description="When it was charged.")


@projection(Shipment, name="Shipment", description="The shipment of an order.")
class WebShipment:
    id: strawberry.ID = strawberry.field(description="Stable identifier.")
    carrier: str = strawberry.field(description="Who carries it.")
    tracking_number: str = strawberry.field(description="The carrier's number of the parcel.")
    tracking_url: str = strawberry.field(description="Where to follow it.")
    status: ShipmentStatus = strawberry.field(description="Its status.")
    shipped_at: datetime = strawberry.field(description="When it left the warehouse.")


@projection(Order, name="Order", description="An order.", directives=[BY_ID])
class WebOrder:
    id: strawberry.ID = strawberry.field(description="Stable identifier.")
    placed_at: datetime = strawberry.field(description="When it was placed.")
    status: OrderStatus = strawberry.field(description="Its status.")
    total: WebMoney = strawberry.field(description="What all of it costs.")
    items_count: int = strawberry.field(description="How many things it holds: the sum of the quantities.")
    items: list[WebOrderLine] = strawberry.field(description="What was bought.", directives=[sized(8)])
    cancel_reason: str | None = strawberry.field(description="Why it was given up; null unless it was.")
    customer: Annotated["WebCustomer", strawberry.lazy("bff.web.types.customer")] | None = related(
        load_customers, key="customer_id", description="Who bought it."
    )
    payment: WebPayment | None = related(
        load_payments_of_orders, key="id", description="How it was paid; null until it is."
    )
    shipment: WebShipment | None = related(
        load_shipments_of_orders, key="id", description="Its parcel; null until it is shipped."
    )
    tracking_url: str | None = related(
        load_tracking_urls,
        key="id",
        description="Where to follow its parcel; null until it is shipped.",
        directives=[Cost(weight=1)],
    )
    fulfilment: WebFulfilment | None = related(
        load_fulfilments, key="id", description="The progress of its workflow; null when that has expired."
    )


@projection(
    Edge[Order], name="OrderEdge", description="An order and its place in the list.", directives=[PART_OF_A_LIST]
)
class WebOrderEdge:
    cursor: str = strawberry.field(description="Pass it as `after` to go on after this order.")
    node: WebOrder = strawberry.field(description="The order.")


@projection(Slice[Order], name="OrderConnection", description="A page of orders, newest first.")
class WebOrderConnection:
    edges: list[WebOrderEdge] = strawberry.field(description="The orders, each with its cursor.")
    nodes: list[WebOrder] = strawberry.field(description="The orders.")
    page_info: WebPageInfo = strawberry.field(description="Where the page ends.")


@projection(OrdersSummary, name="OrderAnalytics", description="Figures of all orders of a customer.")
class WebOrderAnalytics:
    total_spent: WebMoney = strawberry.field(description="Sum of the orders; cancelled ones are not counted.")
    order_count: int = strawberry.field(description="How many orders; cancelled ones are not counted.")
    favorite_categories: list[str] = strawberry.field(description="At most three, the most bought first.")
