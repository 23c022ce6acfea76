"""What happens to an order, as the app follows it."""

from datetime import datetime

import strawberry

from bff.commerce.fulfilment.messages import OrderEvent
from bff.commerce.graphql import OrderStep, OrderStepState
from matapalo import projection


@projection(OrderEvent, name="OrderEvent", description="An event of an order.")
class MobileOrderEvent:
    id: strawberry.ID = strawberry.field(description="Pass it as `after` to go on after this event.")
    step: OrderStep = strawberry.field(description="In which step.")
    state: OrderStepState = strawberry.field(description="What happened to the step.")
    at: datetime = strawberry.field(description="When.")
