"""What both clients' GraphQL types share: the type of ``info``, the enums, and what an absent argument means.

A Python enum is one GraphQL enum, whichever schema has it, so it is made here and imported from here by GraphQL types.
`model.py` files stay free of Strawberry: workflows import them.
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

__all__ = [
    "FulfilmentStatus",
    "Info",
    "OrderStatus",
    "OrderStep",
    "OrderStepState",
    "PaymentStatus",
    "ShipmentStatus",
    "none_if_unset",
]

E = TypeVar("E", bound=Enum)
T = TypeVar("T")

Info = strawberry.Info[Context, None]


def none_if_unset(value: T | None) -> T | None:
    """GraphQL's absent as None, for what tells the two no further apart."""
    return None if value is strawberry.UNSET else value


def _describe(cls: type[E], description: str, values: Mapping[E, str]) -> None:
    strawberry.enum(cls, description=description)
    definition: StrawberryEnumDefinition = cls.__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = values[cls[value.name]]


_describe(
    OrderStatus,
    "The status of an order.",
    {
        OrderStatus.PENDING: "Created, not yet paid.",
        OrderStatus.CONFIRMED: "Paid, waiting for the warehouse.",
        OrderStatus.SHIPPED: "On its way.",
        OrderStatus.DELIVERED: "Arrived.",
        OrderStatus.CANCELLED: "Cancelled; whatever was paid is refunded.",
    },
)
_describe(
    PaymentStatus,
    "The status of a payment.",
    {PaymentStatus.CHARGED: "The customer was charged.", PaymentStatus.REFUNDED: "The customer was refunded."},
)
_describe(
    ShipmentStatus,
    "The status of a shipment.",
    {ShipmentStatus.IN_TRANSIT: "With the carrier.", ShipmentStatus.DELIVERED: "Delivered to the customer."},
)
_describe(
    FulfilmentStatus,
    "The status of an order's workflow.",
    {
        FulfilmentStatus.PLACING: "Being created, reserved and paid.",
        FulfilmentStatus.AWAITING_WAREHOUSE: "Paid; the warehouse packs it.",
        FulfilmentStatus.SHIPPING: "Being handed to the carrier.",
        FulfilmentStatus.COMPLETED: "On its way.",
        FulfilmentStatus.COMPENSATING: "Failed or cancelled; being compensated.",
        FulfilmentStatus.CANCELLED: "Failed or cancelled, and compensated.",
        FulfilmentStatus.NEEDS_ATTENTION: "A compensation has failed and is tried again.",
    },
)
_describe(
    OrderStep,
    "The steps of an order's workflow, in this order.",
    {
        OrderStep.CREATE: "The order is created.",
        OrderStep.RESERVE: "The stock is reserved.",
        OrderStep.CHARGE: "The customer is charged.",
        OrderStep.CONFIRM: "The order is confirmed.",
        OrderStep.WAREHOUSE: "The warehouse packs it.",
        OrderStep.SHIP: "The carrier takes it.",
        OrderStep.NOTIFY: "The customer is notified.",
        OrderStep.FINISH: "Nothing follows: the last event.",
    },
)
_describe(
    OrderStepState,
    "The state of a step.",
    {
        OrderStepState.STARTED: "It began.",
        OrderStepState.DONE: "It succeeded.",
        OrderStepState.FAILED: "It failed; the order is compensated.",
        OrderStepState.COMPENSATED: "It had succeeded, or may have, and was compensated.",
    },
)
