"""What both clients' GraphQL types share: the type of ``info``, and the enums.

A Python enum has one GraphQL face, whichever schema shows it, so it is made here. `model.py` files stay free of
Strawberry: workflows import them.
"""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from bff.commerce.context import Context
from bff.commerce.fulfilment.messages import FulfilmentStatus, OrderStep, OrderStepState
from bff.commerce.orders.model import OrderStatus
from bff.commerce.payments.model import PaymentStatus
from bff.commerce.shipping.model import ShipmentStatus

E = TypeVar("E", bound=Enum)

Info = strawberry.Info[Context, None]


def _describe(cls: type[E], description: str, values: Mapping[E, str]) -> None:
    strawberry.enum(cls, description=description)
    definition: StrawberryEnumDefinition = cls.__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = values[cls[value.name]]


_describe(
    OrderStatus,
    "How far an order has come.",
    {
        OrderStatus.PENDING: "Created, not yet paid.",
        OrderStatus.CONFIRMED: "Paid, waiting for the warehouse.",
        OrderStatus.SHIPPED: "On its way.",
        OrderStatus.DELIVERED: "Arrived.",
        OrderStatus.CANCELLED: "Given up; whatever was paid is refunded.",
    },
)
_describe(
    PaymentStatus,
    "What became of the money.",
    {PaymentStatus.CHARGED: "Taken from the customer.", PaymentStatus.REFUNDED: "Given back to the customer."},
)
_describe(
    ShipmentStatus,
    "Where a parcel is.",
    {ShipmentStatus.IN_TRANSIT: "With the carrier.", ShipmentStatus.DELIVERED: "Handed over."},
)
_describe(
    FulfilmentStatus,
    "Where an order stands on its way to the customer.",
    {
        FulfilmentStatus.PLACING: "Being created, reserved and paid.",
        FulfilmentStatus.AWAITING_WAREHOUSE: "Paid; the warehouse packs it.",
        FulfilmentStatus.SHIPPING: "Being handed to the carrier.",
        FulfilmentStatus.COMPLETED: "On its way.",
        FulfilmentStatus.COMPENSATING: "Given up; being compensated.",
        FulfilmentStatus.CANCELLED: "Given up and compensated.",
        FulfilmentStatus.NEEDS_ATTENTION: "Given up; a compensation has failed and is tried again.",
    },
)
_describe(
    OrderStep,
    "A step of an order, in this order.",
    {
        OrderStep.CREATE: "The order is written down.",
        OrderStep.RESERVE: "The stock is reserved.",
        OrderStep.CHARGE: "The customer is charged.",
        OrderStep.CONFIRM: "The order is confirmed.",
        OrderStep.WAREHOUSE: "The warehouse packs it.",
        OrderStep.SHIP: "The carrier takes it.",
        OrderStep.NOTIFY: "The customer is told.",
        OrderStep.FINISH: "Nothing follows: the last event.",
    },
)
_describe(
    OrderStepState,
    "What happened to a step.",
    {
        OrderStepState.STARTED: "It began.",
        OrderStepState.DONE: "It succeeded.",
        OrderStepState.FAILED: "It failed; the order is given up.",
        OrderStepState.COMPENSATED: "It had succeeded, or may have, and was compensated.",
    },
)
