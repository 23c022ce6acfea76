"""The activities of the order workflow: one call to a collaborator each, made at most once.

A call's idempotency key is the workflow's id and the activity's name, so that every attempt, also by another worker
and after the workflow's own history was lost, is the same request to the service.
A 4xx answer that is no business outcome is our bug: `REJECTED`, which steps do not retry and compensations do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from bff.commerce.fulfilment.letters import shipped
from bff.commerce.fulfilment.messages import (
    CancelOrder,
    Charge,
    ChargeCustomer,
    ConfirmOrder,
    CreatedOrder,
    MarkShipped,
    NotifyCustomer,
    OrderRef,
    PlaceOrder,
    PublishProgress,
    Reservation,
    ReserveStock,
    Shipment,
)
from bff.commerce.fulfilment.ports import Once, Progress, Services
from bff.commerce.mail import Mail
from bff.errors import UpstreamRejected

REJECTED = "Rejected"
LONGEST_CALL = timedelta(seconds=10)  # where a step sets no bound of its own, which a lint forbids


class OrderActivities:
    """The methods that a worker registers; collaborators are Protocols, so that this file imports no client library."""

    def __init__(self, *, services: Services, progress: Progress, mail: Mail) -> None:
        self._services = services
        self._progress = progress
        self._mail = mail

    @activity.defn
    async def create_order(self, order: PlaceOrder) -> CreatedOrder:
        """Create it, PENDING, with the prices of now."""
        with _rejections():
            return await self._services.create_order(order, _once())

    @activity.defn
    async def reserve_stock(self, wish: ReserveStock) -> Reservation:
        """Reserve all lines or none."""
        with _rejections():
            return await self._services.reserve_stock(wish, _once())

    @activity.defn
    async def charge_customer(self, charge: ChargeCustomer) -> Charge:
        """Charge the card."""
        with _rejections():
            return await self._services.charge(charge, _once())

    @activity.defn
    async def confirm_order(self, confirmation: ConfirmOrder) -> None:
        """Mark it as paid."""
        with _rejections():
            await self._services.confirm_order(confirmation, _once())

    @activity.defn
    async def create_shipment(self, order: OrderRef) -> Shipment:
        """Hand it to the carrier: from here on nothing is undone."""
        with _rejections():
            return await self._services.create_shipment(order, _once())

    @activity.defn
    async def mark_shipped(self, shipped_order: MarkShipped) -> None:
        """Mark it as on its way."""
        with _rejections():
            await self._services.mark_shipped(shipped_order, _once())

    @activity.defn
    async def notify_customer(self, notice: NotifyCustomer) -> None:
        """Write to the customer."""
        with _rejections():
            contact = await self._services.contact(notice.order.customer_id, _timeout())
        await self._mail.send(shipped(contact, notice, letter_id=_key()))

    @activity.defn
    async def cancel_order(self, cancellation: CancelOrder) -> None:
        """Undo `create_order`; nothing happens when the order was never created."""
        with _rejections():
            await self._services.cancel_order(cancellation, _once())

    @activity.defn
    async def release_stock(self, order: OrderRef) -> None:
        """Undo `reserve_stock`; nothing happens when nothing is reserved."""
        with _rejections():
            await self._services.release_stock(order, _once())

    @activity.defn
    async def refund(self, order: OrderRef) -> None:
        """Undo `charge_customer`; nothing happens when nothing was captured."""
        with _rejections():
            await self._services.refund(order, _once())

    @activity.defn
    async def publish_progress(self, progress: PublishProgress) -> None:
        """Write events where subscribers read them."""
        await self._progress.publish(progress)


def _key() -> str:
    info = activity.info()
    return f"{info.workflow_id}:{info.activity_type}"


def _timeout() -> timedelta:
    return activity.info().start_to_close_timeout or LONGEST_CALL


def _once() -> Once:
    return Once(key=_key(), timeout=_timeout())


@contextmanager
def _rejections() -> Iterator[None]:
    try:
        yield
    except UpstreamRejected as rejected:
        raise ApplicationError(f"{rejected.problem.slug}: {rejected.message}", type=REJECTED) from rejected
