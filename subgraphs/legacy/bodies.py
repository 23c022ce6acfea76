"""What the monolith accepts in request bodies. Its own definitions: it was there before the services were."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from subgraphs.kit.contract_types import TEXT_PATTERN, WHOLE, Body, Id

Line = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=TEXT_PATTERN)]
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


class WithdrawBody(CancelBody):
    pass


class AddressBody(Body):
    line1: Line
    line2: Line | None = None
    city: Line
    postal_code: Annotated[str, Field(pattern=r"^[A-Za-z0-9 -]{1,16}$")]
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")]


class PreferencesBody(Body):
    language: Annotated[str, Field(pattern="^[a-z]{2}$")]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    newsletter: bool


class CustomerBody(Body):
    id: Annotated[str | None, Field(pattern="^cust_[a-z0-9_]{1,40}$")] = None
    name: Line
    email: Annotated[str, Field(pattern=r"^[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,189}$")]


class ProfileBody(Body):
    name: Annotated[Line, Field(default_factory=str)]
    phone: Annotated[str | None, Field(pattern=r"^\+?[0-9 ()./-]{3,32}$")] = None
    address: AddressBody | None = None
    preferences: PreferencesBody | None = None


class CreditBody(Body):
    reason: Annotated[str, Field(pattern="^[a-z][a-z-]{0,31}$")]
    points: Annotated[int, Field(ge=1, le=100_000), WHOLE]


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
