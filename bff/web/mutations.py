"""The web client's mutations. What the business refuses is a member of the payload, everything else an error."""

from typing import Annotated

import strawberry

from bff.commerce.fulfilment.outcomes import ConfirmWarehouseOutcome, PlaceOrderOutcome
from bff.commerce.fulfilment.placement import confirm_warehouse, place_order
from bff.commerce.graphql import Info
from bff.execution.projection import returns
from bff.web.types.order_outcomes import WebConfirmWarehousePayload, WebPlaceOrderInput, WebPlaceOrderPayload


@strawberry.type(name="Mutation", description="Everything that can be done.")
class WebMutation:
    @returns(
        WebPlaceOrderPayload,
        description="Order something. Needs the header `Idempotency-Key`: the same key is the same order.",
    )
    async def place_order(
        self, info: Info, input: Annotated[WebPlaceOrderInput, strawberry.argument(description="What to buy.")]
    ) -> PlaceOrderOutcome:
        method = None if input.payment_method_id is strawberry.UNSET else input.payment_method_id
        return await place_order(info.context, client="web", items=input.items, payment_method_id=method)

    @returns(WebConfirmWarehousePayload, description="Say that an order is packed. For the role `warehouse`.")
    async def confirm_warehouse(
        self, info: Info, order_id: Annotated[strawberry.ID, strawberry.argument(description="The order.")]
    ) -> ConfirmWarehouseOutcome:
        return await confirm_warehouse(info.context, order_id)
