"""The mobile client's mutations. What the business refuses is a member of the payload, everything else an error."""

from typing import Annotated

import strawberry

from bff.commerce.fulfilment.outcomes import PlaceOrderOutcome
from bff.commerce.fulfilment.placement import place_order
from bff.commerce.graphql import Info
from bff.execution.projection import returns
from bff.mobile.types.order_outcomes import MobilePlaceOrderInput, MobilePlaceOrderPayload


@strawberry.type(name="Mutation", description="Everything that can be done.")
class MobileMutation:
    @returns(
        MobilePlaceOrderPayload,
        description="Order something. Needs the header `Idempotency-Key`: the same key is the same order.",
    )
    async def place_order(
        self, info: Info, input: Annotated[MobilePlaceOrderInput, strawberry.argument(description="What to buy.")]
    ) -> PlaceOrderOutcome:
        method = None if input.payment_method_id is strawberry.UNSET else input.payment_method_id
        return await place_order(info.context, client="mobile", items=input.items, payment_method_id=method)
