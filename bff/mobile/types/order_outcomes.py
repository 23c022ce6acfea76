"""What the app's mutations on orders take and return."""

from typing import Annotated

import strawberry

from bff.commerce.fulfilment.messages import Shortage
from bff.commerce.fulfilment.outcomes import (
    CancellationPending,
    OrderCancelled,
    OrderNotCancellable,
    OrderPending,
    OrderPlaced,
    OutOfStock,
    PaymentDeclined,
)
from bff.mobile.types.order import MobileOrder
from matapalo import Cost, projection, sized


@strawberry.input(name="OrderItemInput", description="A product to order, and how many of it.")
class MobileOrderItemInput:
    product_id: strawberry.ID = strawberry.field(
        description="The product; each may be listed once.", directives=[Cost(weight=1)]
    )
    quantity: int = strawberry.field(description="1 to 99.")


@strawberry.input(name="PlaceOrderInput", description="The products to order, at the prices of now.")
class MobilePlaceOrderInput:
    items: list[MobileOrderItemInput] = strawberry.field(description="1 to 50.")
    payment_method_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="What to charge; the default card when absent."
    )


@projection(OrderPlaced, name="OrderPlaced", description="The order is paid and waits for the warehouse.")
class MobileOrderPlaced:
    order: MobileOrder = strawberry.field(description="The order as it is now.")
    replayed: bool = strawberry.field(description="Whether an earlier request with the same key placed it.")


@projection(OrderPending, name="OrderPending", description="Not decided yet: ask again with the same key.")
class MobileOrderPending:
    order_id: strawberry.ID = strawberry.field(description="The id the order will have.")
    poll_after_ms: int = strawberry.field(description="When to ask again, in milliseconds.")


@projection(Shortage, name="Shortage", description="A product of which there is not enough.")
class MobileShortage:
    product_id: strawberry.ID = strawberry.field(description="Its id.")
    available: int = strawberry.field(description="How many there are.")


@projection(OutOfStock, name="OutOfStock", description="Not enough in stock. Nothing was charged.")
class MobileOutOfStock:
    shortages: list[MobileShortage] = strawberry.field(
        description="What there is not enough of.", directives=[sized(10)]
    )


@projection(PaymentDeclined, name="PaymentDeclined", description="The card was declined. Nothing was charged.")
class MobilePaymentDeclined:
    reason: str = strawberry.field(description="Why, for the customer to read.")


@projection(OrderCancelled, name="OrderCancelled", description="Nothing is reserved, whatever was paid is given back.")
class MobileOrderCancelled:
    order: MobileOrder = strawberry.field(description="The order as it is now.")


@projection(
    CancellationPending,
    name="CancellationPending",
    description="It will not be delivered; it is still being compensated.",
)
class MobileCancellationPending:
    order_id: strawberry.ID = strawberry.field(description="The order.")
    poll_after_ms: int = strawberry.field(description="When to ask again, in milliseconds.")


@projection(OrderNotCancellable, name="OrderNotCancellable", description="It is too late. Nothing was changed.")
class MobileOrderNotCancellable:
    reason: str = strawberry.field(description="Why, for the customer to read.")


MobilePlaceOrderPayload = Annotated[
    MobileOrderPlaced | MobileOrderPending | MobileOutOfStock | MobilePaymentDeclined,
    strawberry.union("PlaceOrderPayload", description="The result of `placeOrder`."),
]
MobileReorderPayload = Annotated[
    MobileOrderPlaced | MobileOrderPending | MobileOutOfStock | MobilePaymentDeclined,
    strawberry.union("ReorderPayload", description="The result of `reorder`."),
]
MobileCancelOrderPayload = Annotated[
    MobileOrderCancelled | MobileCancellationPending | MobileOrderNotCancellable,
    strawberry.union("CancelOrderPayload", description="The result of `cancelOrder`."),
]
