"""What fulfilment needs from outside, and what it offers to resolvers. The worker and the app join the two sides.

Calls to services raise `matapalo.errors.UpstreamError` when there is no useful response; business outcomes are return
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
    MarkShipped,
    OrderEvent,
    OrderRef,
    PlaceOrderRequest,
    PublishProgress,
    Receipt,
    ReserveStock,
    Shipment,
    StockReservation,
)
from matapalo import IdempotentCall


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach a customer by email."""

    name: str
    email: str


class Services(Protocol):
    """The REST services, as the order workflow sees them. Compensating what was never done does nothing."""

    async def create_order(self, order: PlaceOrderRequest, call: IdempotentCall) -> CreatedOrder: ...

    async def reserve_stock(self, reservation: ReserveStock, call: IdempotentCall) -> StockReservation: ...

    async def charge(self, charge: ChargeCustomer, call: IdempotentCall) -> Charge: ...

    async def confirm_order(self, confirmation: ConfirmOrder, call: IdempotentCall) -> None: ...

    async def create_shipment(self, order: OrderRef, call: IdempotentCall) -> Shipment: ...

    async def mark_shipped(self, shipped: MarkShipped, call: IdempotentCall) -> None: ...

    async def cancel_order(self, cancellation: CancelOrder, call: IdempotentCall) -> None: ...

    async def release_stock(self, order: OrderRef, call: IdempotentCall) -> None: ...

    async def refund(self, order: OrderRef, call: IdempotentCall) -> None: ...

    async def contact(self, order: OrderRef, timeout: timedelta) -> Contact: ...


class Progress(Protocol):
    """Where events of orders are written. Writing the same events again changes nothing."""

    async def publish(self, progress: PublishProgress) -> None: ...


@dataclass(frozen=True, slots=True)
class PendingOrder:
    """The workflow exists and has not decided yet."""

    order_id: str


class CancelResult(Enum):
    """How a request to cancel ended, for now."""

    CANCELLED = "CANCELLED"
    UNDER_WAY = "UNDER_WAY"
    WITH_THE_CARRIER = "WITH_THE_CARRIER"
    NOT_RUNNING = "NOT_RUNNING"


class OrderWorkflows(Protocol):
    """What resolvers need of the order workflows."""

    async def place(self, request: PlaceOrderRequest) -> Receipt | PendingOrder:
        """Start the workflow or join the one that runs or ran under this key.

        Raises `IdempotencyKeyReused`, `WorkflowsUnavailable`, `Overloaded`.
        """
        ...

    async def confirm_warehouse(self, order_id: str) -> bool:
        """Tell the workflow of the order; False when none of that order is running. Raises `WorkflowsUnavailable`."""
        ...

    async def cancel(self, order_id: str, reason: str) -> CancelResult:
        """Tell the workflow of the order to cancel it, and wait a little. Raises `WorkflowsUnavailable`."""
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
        """The state of each order, as stored or from its workflow; None where neither has it.

        Raises `UpstreamUnavailable` when neither can be read.
        """
        ...
