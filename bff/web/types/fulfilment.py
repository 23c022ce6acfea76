"""How an order comes to the customer, as the web shows it."""

from datetime import datetime

import strawberry

import bff.commerce.graphql  # noqa: F401  # gives the enums their GraphQL face
from bff.commerce.fulfilment.messages import (
    Fulfilment,
    FulfilmentStatus,
    OrderEvent,
    OrderStep,
    OrderStepState,
    StepProgress,
)
from matapalo import projection, sized


@projection(StepProgress, name="FulfilmentStep", description="One step of an order.")
class WebFulfilmentStep:
    name: OrderStep = strawberry.field(description="Which.")
    state: OrderStepState = strawberry.field(description="How it stands.")
    started_at: datetime = strawberry.field(description="When it began for the first time.")
    finished_at: datetime | None = strawberry.field(description="When it ended; null while it is under way.")
    attempts: int = strawberry.field(description="How often it was begun.")


@projection(Fulfilment, name="Fulfilment", description="Where an order stands and how it got there.")
class WebFulfilment:
    status: FulfilmentStatus = strawberry.field(description="Where it stands.")
    steps: list[WebFulfilmentStep] = strawberry.field(
        description="The steps begun so far, in their order.", directives=[sized(len(OrderStep))]
    )


@projection(OrderEvent, name="OrderEvent", description="Something that happened to an order.")
class WebOrderEvent:
    id: strawberry.ID = strawberry.field(description="Pass it as `after` to go on after this event.")
    step: OrderStep = strawberry.field(description="In which step.")
    state: OrderStepState = strawberry.field(description="What happened to the step.")
    at: datetime = strawberry.field(description="When.")
    message: str = strawberry.field(description="More about it; often empty.")
