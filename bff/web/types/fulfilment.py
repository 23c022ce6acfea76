"""How an order comes to the customer, as the web shows it."""

from datetime import datetime

import strawberry

from bff.commerce.fulfilment.messages import Fulfilment, OrderEvent, StepProgress
from bff.commerce.graphql import FulfilmentStatus, OrderStep, OrderStepState
from matapalo import projection, sized


@projection(StepProgress, name="FulfilmentStep", description="One step of an order.")
class WebFulfilmentStep:
    name: OrderStep = strawberry.field(description="Its name.")
    state: OrderStepState = strawberry.field(description="Its state.")
    started_at: datetime = strawberry.field(description="When it began for the first time.")
    finished_at: datetime | None = strawberry.field(description="When it ended; null while it is under way.")
    attempts: int = strawberry.field(description="How often it was begun.")


@projection(Fulfilment, name="Fulfilment", description="The progress of an order's workflow.")
class WebFulfilment:
    status: FulfilmentStatus = strawberry.field(description="Its status.")
    steps: list[WebFulfilmentStep] = strawberry.field(
        description="The steps begun so far, in their order.", directives=[sized(len(OrderStep))]
    )


@projection(OrderEvent, name="OrderEvent", description="An event of an order.")
class WebOrderEvent:
    id: strawberry.ID = strawberry.field(description="Pass it as `after` to go on after this event.")
    step: OrderStep = strawberry.field(description="In which step.")
    state: OrderStepState = strawberry.field(description="What happened to the step.")
    at: datetime = strawberry.field(description="When.")
    message: str = strawberry.field(description="More about it; often empty.")
