"""What happens to an order, as the app follows it."""

from datetime import datetime

import strawberry

import bff.commerce.graphql  # noqa: F401  # gives the enums their GraphQL face
from bff.commerce.fulfilment.messages import OrderEvent, OrderStep, OrderStepState
from matapalo import projection


@projection(OrderEvent, name="OrderEvent", description="Something that happened to an order.")
class MobileOrderEvent:
    id: strawberry.ID = strawberry.field(description="Pass it as `after` to go on after this event.")
    step: OrderStep = strawberry.field(description="In which step.")
    state: OrderStepState = strawberry.field(description="What happened to the step.")
    at: datetime = strawberry.field(description="When.")
