"""What fulfilment needs from outside, and what it offers to resolvers. `matapalo.worker` and `matapalo.app` join the
two sides.

Calls to services raise `matapalo.errors.UpstreamError` when there is no useful answer; business outcomes are return
values.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Protocol

from bff.commerce.fulfilment.messages import (
    CancelOrder,
    Charge,
    ChargeCustomer,
    ConfirmOrder,
    CreatedOrder,
    Fulfilment,
    Line,
    MarkShipped,
    OrderEvent,
    OrderRef,
    PlaceOrder,
    PublishProgress,
    Receipt,
    Reservation,
    ReserveStock,
    Shipment,
)
from matapalo import Once


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach a customer."""

    name: str
    email: str


class Services(Protocol):
    """The REST services, as the order workflow sees them. Undoing what was never done is fine and does nothing."""

    async def create_order(self, order: PlaceOrder, once: Once) -> CreatedOrder: ...

    async def reserve_stock(self, wish: ReserveStock, once: Once) -> Reservation: ...

    async def charge(self, charge: ChargeCustomer, once: Once) -> Charge: ...

    async def confirm_order(self, confirmation: ConfirmOrder, once: Once) -> None: ...

    async def create_shipment(self, order: OrderRef, once: Once) -> Shipment: ...

    async def mark_shipped(self, shipped: MarkShipped, once: Once) -> None: ...

    async def cancel_order(self, cancellation: CancelOrder, once: Once) -> None: ...

    async def release_stock(self, order: OrderRef, once: Once) -> None: ...

    async def refund(self, order: OrderRef, once: Once) -> None: ...

    async def contact(self, order: OrderRef, timeout: timedelta) -> Contact: ...


class Progress(Protocol):
    """Where events of orders are written. Writing the same events again changes nothing."""

    async def publish(self, progress: PublishProgress) -> None: ...


@dataclass(frozen=True, slots=True)
class OrderWish:
    """What a customer asked for, checked and normalised, and under which ids it happens once: see `Claim`."""

    field: str
    record_id: str
    older_record_ids: tuple[str, ...]
    fingerprint: str
    attempt_id: str
    customer_id: str
    lines: tuple[Line, ...]
    payment_method_id: str | None
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class PendingOrder:
    """The workflow exists and has not decided yet."""

    order_id: str


class CancelAnswer(Enum):
    """What became of a wish to cancel."""

    UNDONE = "UNDONE"
    UNDER_WAY = "UNDER_WAY"
    WITH_THE_CARRIER = "WITH_THE_CARRIER"
    NOT_RUNNING = "NOT_RUNNING"


class OrderWorkflows(Protocol):
    """What resolvers need of the order workflows."""

    async def place(self, wish: OrderWish) -> Receipt | PendingOrder:
        """Start the workflow or join the one that runs or ran under this key.

        Raises `IdempotencyKeyReused`, `WorkflowsUnavailable`, `Overloaded`.
        """
        ...

    async def confirm_warehouse(self, order_id: str) -> bool:
        """Tell the workflow of the order; False when none of that order is running. Raises `WorkflowsUnavailable`."""
        ...

    async def cancel(self, order_id: str, reason: str) -> CancelAnswer:
        """Ask the workflow of the order to undo it, and wait a little. Raises `WorkflowsUnavailable`."""
        ...

    async def workflow_of(self, order_id: str) -> str | None:
        """The id of the workflow that fulfils the order, None when there is none. Raises `WorkflowsUnavailable`."""
        ...

    async def customer_of(self, order_id: str) -> str | None:
        """Whose order the workflow fulfils, None when there is no such workflow. Raises `WorkflowsUnavailable`."""
        ...

    def events(self, order_id: str, *, after: str | None, closed: bool) -> AsyncIterator[OrderEvent]:
        """Events after ``after`` (an event id), past ones first, until the last one of the order.

        ``closed``: the order itself says that nothing will follow, so do not wait when nothing is stored.
        Raises `UpstreamUnavailable`.
        """
        ...

    async def fulfilments(self, order_ids: Sequence[str]) -> list[Fulfilment | None]:
        """The state of each order, as stored or as its workflow answers; None where neither knows it.

        Raises `UpstreamUnavailable` when neither can be asked.
        """
        ...
