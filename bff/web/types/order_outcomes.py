"""What the web's mutations on orders take and return."""

from typing import Annotated

import strawberry

from bff.commerce.fulfilment.messages import Shortage
from bff.commerce.fulfilment.outcomes import (
    CancellationPending,
    OrderCancelled,
    OrderNotCancellable,
    OrderNotWaiting,
    OrderPending,
    OrderPlaced,
    OutOfStock,
    PaymentDeclined,
    WarehouseConfirmed,
)
from bff.commerce.products.loaders import load_products
from bff.web.types.order import WebOrder
from bff.web.types.product import WebProduct
from bff.web.types.workflow import WebWorkflow
from matapalo import Cost, projection, related, sized


@strawberry.input(name="OrderItemInput", description="A product to order, and how many of it.")
class WebOrderItemInput:
    product_id: strawberry.ID = strawberry.field(
        description="The product; each may be listed once.", directives=[Cost(weight=1)]
    )
    quantity: int = strawberry.field(description="1 to 99.")


@strawberry.input(name="PlaceOrderInput", description="The products to order, at the prices of now.")
class WebPlaceOrderInput:
    items: list[WebOrderItemInput] = strawberry.field(description="1 to 50.")
    payment_method_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="What to charge; the default card when absent."
    )


@projection(OrderPlaced, name="OrderPlaced", description="The order is paid and waits for the warehouse.")
class WebOrderPlaced:
    order: WebOrder = strawberry.field(description="The order as it is now.")
    workflow: WebWorkflow = strawberry.field(description="What takes it from here to the customer.")
    replayed: bool = strawberry.field(description="Whether an earlier request with the same key placed it.")


@projection(OrderPending, name="OrderPending", description="Not decided yet: ask again with the same key.")
class WebOrderPending:
    order_id: strawberry.ID = strawberry.field(description="The id the order will have.")
    poll_after_ms: int = strawberry.field(description="When to ask again, in milliseconds.")


@projection(Shortage, name="Shortage", description="A product of which there is not enough.")
class WebShortage:
    product_id: strawberry.ID = strawberry.field(description="Its id.")
    requested: int = strawberry.field(description="How many were requested.")
    available: int = strawberry.field(description="How many there are.")
    product: WebProduct | None = related(load_products, key="product_id", description="The product.")


@projection(OutOfStock, name="OutOfStock", description="Not enough in stock. Nothing was charged.")
class WebOutOfStock:
    shortages: list[WebShortage] = strawberry.field(description="What there is not enough of.", directives=[sized(10)])


@projection(PaymentDeclined, name="PaymentDeclined", description="The card was declined. Nothing was charged.")
class WebPaymentDeclined:
    reason: str = strawberry.field(description="Why, for the customer to read.")


@projection(WarehouseConfirmed, name="WarehouseConfirmed", description="The order's workflow was notified.")
class WebWarehouseConfirmed:
    order_id: strawberry.ID = strawberry.field(description="The order.")


@projection(
    OrderNotWaiting,
    name="OrderNotWaiting",
    description="No such order is being fulfilled: unknown, shipped or cancelled.",
)
class WebOrderNotWaiting:
    order_id: strawberry.ID = strawberry.field(description="The id that was given.")


@projection(OrderCancelled, name="OrderCancelled", description="Nothing is reserved, whatever was paid is given back.")
class WebOrderCancelled:
    order: WebOrder = strawberry.field(description="The order as it is now.")


@projection(
    CancellationPending,
    name="CancellationPending",
    description="It will not be delivered; it is still being compensated. `orderProgress` follows it.",
)
class WebCancellationPending:
    order_id: strawberry.ID = strawberry.field(description="The order.")
    poll_after_ms: int = strawberry.field(description="When to ask again, in milliseconds.")


@projection(OrderNotCancellable, name="OrderNotCancellable", description="It is too late. Nothing was changed.")
class WebOrderNotCancellable:
    order: WebOrder = strawberry.field(description="The order as it is now.")
    reason: str = strawberry.field(description="Why, for the customer to read.")


WebPlaceOrderPayload = Annotated[
    WebOrderPlaced | WebOrderPending | WebOutOfStock | WebPaymentDeclined,
    strawberry.union("PlaceOrderPayload", description="The result of `placeOrder`."),
]
WebConfirmWarehousePayload = Annotated[
    WebWarehouseConfirmed | WebOrderNotWaiting,
    strawberry.union("ConfirmWarehousePayload", description="The result of `confirmWarehouse`."),
]
WebReorderPayload = Annotated[
    WebOrderPlaced | WebOrderPending | WebOutOfStock | WebPaymentDeclined,
    strawberry.union("ReorderPayload", description="The result of `reorder`."),
]
WebCancelOrderPayload = Annotated[
    WebOrderCancelled | WebCancellationPending | WebOrderNotCancellable,
    strawberry.union("CancelOrderPayload", description="The result of `cancelOrder`."),
]
