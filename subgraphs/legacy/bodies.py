"""What the monolith accepts in request bodies. Its own definitions: it was there before the services were."""

from typing import Annotated, Literal

from pydantic import Field

from subgraphs.kit.wire import TEXT_PATTERN, WHOLE, Body, Id

Quantity = Annotated[int, Field(ge=1, le=99), WHOLE]


class ItemBody(Body):
    product_id: Id
    quantity: Quantity


class OrderBody(Body):
    id: Annotated[str | None, Field(pattern="^ord_[a-z0-9_]{1,40}$")] = None
    customer_id: Id
    items: Annotated[list[ItemBody], Field(min_length=1, max_length=50)]


class ConfirmBody(Body):
    payment_id: Id


class ShipBody(Body):
    shipment_id: Id


class CancelBody(Body):
    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=TEXT_PATTERN)]


class AmountBody(Body):
    amount_minor: Annotated[int, Field(ge=1, le=100_000_000), WHOLE]
    currency: Literal["EUR"]


class PaymentBody(Body):
    order_id: Id
    customer_id: Id
    amount: AmountBody
    payment_method_id: Id | None = None


class RefundBody(Body):
    order_id: Id


class ReservationBody(Body):
    order_id: Id
    items: Annotated[list[ItemBody], Field(min_length=1, max_length=50)]


class ShipmentBody(Body):
    order_id: Id
    customer_id: Id
