"""The activities of the order workflow: one call to a collaborator each, at most once (`idempotent_call`)."""

from temporalio import activity

from bff.commerce.fulfilment.emails import order_shipped
from bff.commerce.fulfilment.messages import (
    CancelOrder,
    Charge,
    ChargeCustomer,
    ConfirmOrder,
    CreatedOrder,
    MarkShipped,
    NotifyCustomer,
    OrderRef,
    PlaceOrderRequest,
    PublishProgress,
    ReserveStock,
    Shipment,
    StockReservation,
)
from bff.commerce.fulfilment.ports import Progress, Services
from bff.commerce.mail import Mailer
from matapalo import idempotent_call, rejections


class OrderActivities:
    """The methods that a worker registers; collaborators are Protocols, so that this file imports no client library."""

    def __init__(self, *, services: Services, progress: Progress, mail: Mailer) -> None:
        self._services = services
        self._progress = progress
        self._mail = mail

    @activity.defn
    async def create_order(self, order: PlaceOrderRequest) -> CreatedOrder:
        """Create it, PENDING, with the prices of now."""
        with rejections():
            return await self._services.create_order(order, idempotent_call())

    @activity.defn
    async def reserve_stock(self, reservation: ReserveStock) -> StockReservation:
        """Reserve all lines or none."""
        with rejections():
            return await self._services.reserve_stock(reservation, idempotent_call())

    @activity.defn
    async def charge_customer(self, charge: ChargeCustomer) -> Charge:
        """Charge the customer's card."""
        with rejections():
            return await self._services.charge(charge, idempotent_call())

    @activity.defn
    async def confirm_order(self, confirmation: ConfirmOrder) -> None:
        """Mark it as paid."""
        with rejections():
            await self._services.confirm_order(confirmation, idempotent_call())

    @activity.defn
    async def create_shipment(self, order: OrderRef) -> Shipment:
        """Hand it to the carrier: from here on nothing is compensated."""
        with rejections():
            return await self._services.create_shipment(order, idempotent_call())

    @activity.defn
    async def mark_shipped(self, shipped_order: MarkShipped) -> None:
        """Mark it as on its way."""
        with rejections():
            await self._services.mark_shipped(shipped_order, idempotent_call())

    @activity.defn
    async def notify_customer(self, notice: NotifyCustomer) -> None:
        """Send the customer an email with the tracking number."""
        call = idempotent_call()
        with rejections():
            contact = await self._services.contact(notice.order, call.timeout)
        await self._mail.send(order_shipped(contact, notice, email_id=call.idempotency_key))

    @activity.defn
    async def cancel_order(self, cancellation: CancelOrder) -> None:
        """Compensate `create_order`; nothing happens when the order was never created."""
        with rejections():
            await self._services.cancel_order(cancellation, idempotent_call())

    @activity.defn
    async def release_stock(self, order: OrderRef) -> None:
        """Compensate `reserve_stock`; nothing happens when nothing is reserved."""
        with rejections():
            await self._services.release_stock(order, idempotent_call())

    @activity.defn
    async def refund(self, order: OrderRef) -> None:
        """Compensate `charge_customer`; nothing happens when nothing was captured."""
        with rejections():
            await self._services.refund(order, idempotent_call())

    @activity.defn
    async def publish_progress(self, progress: PublishProgress) -> None:
        """Write events where subscribers read them."""
        await self._progress.publish(progress)
