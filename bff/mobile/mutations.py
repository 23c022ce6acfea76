"""The mobile client's mutations. What the business refuses is a member of the payload, everything else an error."""

from typing import Annotated

import strawberry

from bff.commerce.fulfilment.cancel_order import CANCELLATION, cancel_order
from bff.commerce.fulfilment.outcomes import CancelOrderOutcome, PlaceOrderOutcome
from bff.commerce.fulfilment.place_order import PLACEMENT, place_order, reorder
from bff.commerce.graphql import Info, none_if_unset
from bff.mobile.types.order_outcomes import (
    MobileCancelOrderPayload,
    MobilePlaceOrderInput,
    MobilePlaceOrderPayload,
    MobileReorderPayload,
)
from matapalo import Idempotent, claim_of, returns

OrderId = Annotated[strawberry.ID, strawberry.argument(description="The order.")]


@strawberry.type(name="Mutation", description="Mutations.")
class MobileMutation:
    @returns(
        MobilePlaceOrderPayload,
        description="Place an order. Needs an idempotency key: the same key is the same order.",
        extensions=[Idempotent(required=True, replay=PLACEMENT, effect="workflow")],
    )
    async def place_order(
        self, info: Info, input: Annotated[MobilePlaceOrderInput, strawberry.argument(description="What to buy.")]
    ) -> PlaceOrderOutcome:
        method = none_if_unset(input.payment_method_id)
        return await place_order(info.context, claim_of(info), items=input.items, payment_method_id=method)

    @returns(
        MobileReorderPayload,
        description="Order the same again with the default card. Needs an idempotency key.",
        extensions=[Idempotent(required=True, replay=PLACEMENT, effect="workflow")],
    )
    async def reorder(self, info: Info, order_id: OrderId) -> PlaceOrderOutcome:
        return await reorder(info.context, claim_of(info), order_id=order_id, payment_method_id=None)

    @returns(
        MobileCancelOrderPayload,
        description="Cancel an order that has not left the warehouse.",
        extensions=[Idempotent(required=False, replay=CANCELLATION, effect="workflow")],
    )
    async def cancel_order(self, info: Info, order_id: OrderId) -> CancelOrderOutcome:
        return await cancel_order(info.context, order_id=order_id, reason=None)
