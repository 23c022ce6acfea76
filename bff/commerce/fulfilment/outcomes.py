"""The outcomes of mutations on orders: the business outcomes that both clients show, each in its own types.

Not messages of the workflow: these live for one request. What is no outcome (a bad token, a key used twice, a service
that is away) is a `BffError`.
"""

from dataclasses import dataclass
from datetime import datetime

from bff.commerce.fulfilment.messages import Shortage
from bff.commerce.orders.model import Order


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """The workflow behind an order, by the names under which Temporal's UI shows it."""

    id: str
    run_id: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    """Paid, waiting for the warehouse. ``replayed``: an earlier request under the same key placed it."""

    order: Order
    workflow: WorkflowRun
    replayed: bool


@dataclass(frozen=True, slots=True)
class OrderPending:
    """Not decided yet. The same key asks again."""

    order_id: str
    poll_after_ms: int


@dataclass(frozen=True, slots=True)
class OutOfStock:
    """Nothing was charged; ``shortages`` says what is missing."""

    shortages: tuple[Shortage, ...]


@dataclass(frozen=True, slots=True)
class PaymentDeclined:
    """Nothing was charged; ``reason`` is for the customer."""

    reason: str


@dataclass(frozen=True, slots=True)
class WarehouseConfirmed:
    """The workflow has got the signal."""

    order_id: str


@dataclass(frozen=True, slots=True)
class OrderNotWaiting:
    """No workflow of this order waits for anything: it is unknown, shipped or cancelled."""

    order_id: str


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    """Compensated: nothing is reserved, all that was paid is refunded."""

    order: Order


@dataclass(frozen=True, slots=True)
class CancellationPending:
    """It will not be delivered, and is still being compensated. `orderProgress` follows it."""

    order_id: str
    poll_after_ms: int


@dataclass(frozen=True, slots=True)
class OrderNotCancellable:
    """It stays as it is; ``reason`` is for the customer."""

    order: Order
    reason: str


PlaceOrderOutcome = OrderPlaced | OrderPending | OutOfStock | PaymentDeclined
ConfirmWarehouseOutcome = WarehouseConfirmed | OrderNotWaiting
CancelOrderOutcome = OrderCancelled | CancellationPending | OrderNotCancellable
