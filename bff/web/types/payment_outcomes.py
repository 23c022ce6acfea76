"""What the web's mutation on payments takes and returns."""

from typing import Annotated

import strawberry

from bff.commerce.payments.create_payment import OrderNotPayable, PaymentCreated, PaymentRefused
from bff.web.types.order import WebPayment
from matapalo import projection


@strawberry.input(name="CreatePaymentInput", description="What to pay for. The amount is the order's total.")
class WebCreatePaymentInput:
    order_id: strawberry.ID = strawberry.field(description="An order that is not paid yet.")
    payment_method_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="What to charge; the default card when absent."
    )


@projection(PaymentCreated, name="PaymentCreated", description="Charged, and the order is confirmed.")
class WebPaymentCreated:
    payment: WebPayment = strawberry.field(description="What was charged.")


@projection(PaymentRefused, name="PaymentRefused", description="The card was declined. Nothing was charged.")
class WebPaymentRefused:
    reason: str = strawberry.field(description="Why, for the customer to read.")


@projection(OrderNotPayable, name="OrderNotPayable", description="The order takes no payment. Nothing is charged.")
class WebOrderNotPayable:
    order_id: strawberry.ID = strawberry.field(description="The order.")
    reason: str = strawberry.field(description="Why, for the customer to read.")


WebCreatePaymentPayload = Annotated[
    WebPaymentCreated | WebPaymentRefused | WebOrderNotPayable,
    strawberry.union("CreatePaymentPayload", description="The result of `createPayment`."),
]
