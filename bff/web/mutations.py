"""The web client's mutations. What the business refuses is a member of the payload, everything else an error."""

from typing import Annotated, Any

import strawberry

from bff.commerce.customers.profile import PROFILE, ProfileUpdated, update_profile
from bff.commerce.fulfilment.cancel_order import CANCELLATION, cancel_order
from bff.commerce.fulfilment.confirm_warehouse import confirm_warehouse
from bff.commerce.fulfilment.outcomes import CancelOrderOutcome, ConfirmWarehouseOutcome, PlaceOrderOutcome
from bff.commerce.fulfilment.place_order import PLACEMENT, place_order, reorder
from bff.commerce.graphql import Info, none_if_unset
from bff.commerce.onboarding.register_customer import (
    CONFIRMATION,
    REGISTRATION,
    ConfirmEmailOutcome,
    RegistrationReceived,
    confirm_email,
    normalised,
    register_customer,
)
from bff.commerce.payments.create_payment import PAYMENT, CreatePaymentOutcome, create_payment
from bff.web.types.customer_outcomes import (
    WebConfirmEmailPayload,
    WebRegisterCustomerInput,
    WebRegisterCustomerPayload,
    WebUpdateProfileInput,
    WebUpdateProfilePayload,
)
from bff.web.types.order_outcomes import (
    WebCancelOrderPayload,
    WebConfirmWarehousePayload,
    WebPlaceOrderInput,
    WebPlaceOrderPayload,
    WebReorderPayload,
)
from bff.web.types.payment_outcomes import WebCreatePaymentInput, WebCreatePaymentPayload
from matapalo import Idempotent, claim_of, returns

OrderId = Annotated[strawberry.ID, strawberry.argument(description="The order.")]
PaymentMethod = Annotated[
    strawberry.ID | None, strawberry.argument(description="What to charge; the default card when absent.")
]


def _by_address(arguments: Any) -> str:
    """The anonymous caller of a registration is identified by the address to be registered."""
    return f"anon:{normalised(arguments['input'].email)}"


@strawberry.type(name="Mutation", description="Mutations.")
class WebMutation:
    @returns(
        WebPlaceOrderPayload,
        description="Place an order. Needs an idempotency key: the same key is the same order.",
        extensions=[Idempotent(required=True, replay=PLACEMENT, effect="workflow")],
    )
    async def place_order(
        self, info: Info, input: Annotated[WebPlaceOrderInput, strawberry.argument(description="What to buy.")]
    ) -> PlaceOrderOutcome:
        method = none_if_unset(input.payment_method_id)
        return await place_order(info.context, claim_of(info), items=input.items, payment_method_id=method)

    @returns(
        WebReorderPayload,
        description="Order again what an order holds, at the prices of now. Needs an idempotency key.",
        extensions=[Idempotent(required=True, replay=PLACEMENT, effect="workflow")],
    )
    async def reorder(
        self, info: Info, order_id: OrderId, payment_method_id: PaymentMethod = None
    ) -> PlaceOrderOutcome:
        return await reorder(info.context, claim_of(info), order_id=order_id, payment_method_id=payment_method_id)

    @returns(
        WebCancelOrderPayload,
        description="Cancel an order that has not left the warehouse.",
        extensions=[Idempotent(required=False, replay=CANCELLATION, effect="workflow")],
    )
    async def cancel_order(
        self,
        info: Info,
        order_id: OrderId,
        reason: Annotated[str | None, strawberry.argument(description="Why: up to 200 characters.")] = None,
    ) -> CancelOrderOutcome:
        return await cancel_order(info.context, order_id=order_id, reason=reason)

    @returns(WebConfirmWarehousePayload, description="Confirm that an order is packed. For the role `warehouse`.")
    async def confirm_warehouse(self, info: Info, order_id: OrderId) -> ConfirmWarehouseOutcome:
        return await confirm_warehouse(info.context, order_id)

    @returns(
        WebCreatePaymentPayload,
        description="Pay for an order that waits for its payment. Needs an idempotency key.",
        extensions=[Idempotent(required=True, replay=PAYMENT, effect="service")],
    )
    async def create_payment(
        self, info: Info, input: Annotated[WebCreatePaymentInput, strawberry.argument(description="What to pay.")]
    ) -> CreatePaymentOutcome:
        method = none_if_unset(input.payment_method_id)
        return await create_payment(info.context, claim_of(info), order_id=input.order_id, payment_method_id=method)

    @returns(
        WebUpdateProfilePayload,
        description="Change the viewer's profile.",
        extensions=[Idempotent(required=False, replay=PROFILE, effect="service")],
    )
    async def update_profile(
        self, info: Info, input: Annotated[WebUpdateProfileInput, strawberry.argument(description="What to change.")]
    ) -> ProfileUpdated:
        return await update_profile(info.context, claim_of(info), input.changes())

    @returns(
        WebRegisterCustomerPayload,
        description="Register as a customer, without a token. Needs an idempotency key.",
        extensions=[Idempotent(required=True, replay=REGISTRATION, effect="workflow", anonymous=_by_address)],
    )
    async def register_customer(
        self,
        info: Info,
        input: Annotated[WebRegisterCustomerInput, strawberry.argument(description="The customer.")],
    ) -> RegistrationReceived:
        return await register_customer(info.context, claim_of(info), name=input.name, email=input.email)

    @returns(
        WebConfirmEmailPayload,
        description="Confirm the e-mail address of a registration, without a token.",
        extensions=[
            Idempotent(
                required=False,
                replay=CONFIRMATION,
                effect="workflow",
                anonymous=lambda arguments: f"anon:{arguments['token']}",
            )
        ],
    )
    async def confirm_email(
        self, info: Info, token: Annotated[str, strawberry.argument(description="The code in the email.")]
    ) -> ConfirmEmailOutcome:
        return await confirm_email(info.context, token=token)
