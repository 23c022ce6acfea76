"""The mobile client's subscriptions."""

from collections.abc import AsyncIterator
from typing import Annotated

import strawberry

from bff.commerce.fulfilment.messages import OrderEvent
from bff.commerce.fulfilment.queries import follow_order
from bff.commerce.graphql import Info
from bff.mobile.types.order_event import MobileOrderEvent
from matapalo import Cost, streams


@strawberry.type(name="Subscription", description="Subscriptions.")
class MobileSubscription:
    @streams(
        MobileOrderEvent,
        description="The events of an order of the viewer, from its first to its last.",
        directives=[Cost(weight=10)],
    )
    async def order_progress(
        self,
        info: Info,
        order_id: Annotated[strawberry.ID, strawberry.argument(description="The order.")],
        after: Annotated[str | None, strawberry.argument(description="The id of an event: go on after it.")] = None,
    ) -> AsyncIterator[OrderEvent]:
        return await follow_order(info.context, order_id, after)
