"""The REST services of an order, over `matapalo.rest`: the `Services` port of the worker.

Every call carries the order's customer as `x-user-id`, so that a route which is split by user sends all calls of an
order to one side, and `x-role: service`, which may write. Business answers (402, 409 out-of-stock, 422 on create)
become messages; every other 4xx stays an `UpstreamRejected`.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeVar

import msgspec

from bff.commerce.fulfilment.messages import (
    Amount,
    CancelOrder,
    Charge,
    ChargeCustomer,
    ConfirmOrder,
    CreatedOrder,
    Line,
    MarkShipped,
    OrderRef,
    PlaceOrder,
    Refusal,
    Reservation,
    ReserveStock,
    Shipment,
    Shortage,
)
from bff.commerce.fulfilment.ports import Contact
from matapalo import Clock, Once, Problem, RestClient, RestPool, UpstreamRejected

T = TypeVar("T")


LONGEST_REASON = 200


class _Total(msgspec.Struct):
    amount_minor: int
    currency: str


class _Order(msgspec.Struct):
    total: _Total


class _Payment(msgspec.Struct):
    id: str


class _Shipment(msgspec.Struct):
    id: str
    tracking_number: str


class _Customer(msgspec.Struct):
    name: str
    email: str


class _Done(msgspec.Struct):
    """Any object: that it was answered is enough."""


class RestServices:
    """One of these per worker process."""

    def __init__(self, pool: RestPool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def create_order(self, order: PlaceOrder, once: Once) -> CreatedOrder:
        """`POST /api/orders`. What the service finds wrong with the input becomes refusals."""
        body = {"id": order.order_id, "customer_id": order.customer_id, "items": _items(order.lines)}
        ref = OrderRef(order.order_id, order.customer_id, order.traceparent)
        try:
            made = await self._post("/api/orders", body, ref, once, _Order)
        except UpstreamRejected as rejected:
            if rejected.problem.slug != "invalid-parameter":
                raise
            return CreatedOrder(total=None, refusals=_refusals(rejected.problem))
        return CreatedOrder(total=Amount(made.total.amount_minor, made.total.currency))

    async def reserve_stock(self, wish: ReserveStock, once: Once) -> Reservation:
        """`POST /api/inventory/reservations`."""
        body = {"order_id": wish.order.order_id, "items": _items(wish.lines)}
        try:
            await self._post("/api/inventory/reservations", body, wish.order, once, _Done)
        except UpstreamRejected as rejected:
            if rejected.problem.slug != "out-of-stock":
                raise
            return Reservation(shortages=_shortages(rejected.problem))
        return Reservation()

    async def charge(self, charge: ChargeCustomer, once: Once) -> Charge:
        """`POST /api/payments`."""
        body = {
            "order_id": charge.order.order_id,
            "customer_id": charge.order.customer_id,
            "amount": {"amount_minor": charge.amount.amount_minor, "currency": charge.amount.currency},
            "payment_method_id": charge.payment_method_id,
        }
        try:
            payment = await self._post("/api/payments", body, charge.order, once, _Payment)
        except UpstreamRejected as rejected:
            if rejected.problem.slug != "payment-declined":
                raise
            reason = rejected.problem.detail or rejected.problem.title
            return Charge(payment_id=None, declined=reason[:LONGEST_REASON])
        return Charge(payment_id=payment.id)

    async def confirm_order(self, confirmation: ConfirmOrder, once: Once) -> None:
        """`POST /api/orders/{id}/confirm`."""
        await self._order(confirmation.order, "confirm", {"payment_id": confirmation.payment_id}, once)

    async def create_shipment(self, order: OrderRef, once: Once) -> Shipment:
        """`POST /api/shipping`."""
        body = {"order_id": order.order_id, "customer_id": order.customer_id}
        made = await self._post("/api/shipping", body, order, once, _Shipment)
        return Shipment(shipment_id=made.id, tracking_number=made.tracking_number)

    async def mark_shipped(self, shipped: MarkShipped, once: Once) -> None:
        """`POST /api/orders/{id}/ship`."""
        await self._order(shipped.order, "ship", {"shipment_id": shipped.shipment_id}, once)

    async def cancel_order(self, cancellation: CancelOrder, once: Once) -> None:
        """`POST /api/orders/{id}/withdraw`, after which a creation that was under way is refused."""
        await self._order(cancellation.order, "withdraw", {"reason": cancellation.reason}, once)

    async def release_stock(self, order: OrderRef, once: Once) -> None:
        """`POST /api/inventory/reservations/{order_id}/release`."""
        path = f"/api/inventory/reservations/{order.order_id}/release"
        await self._post(path, {}, order, once, _Done)

    async def refund(self, order: OrderRef, once: Once) -> None:
        """`POST /api/payments/refunds`."""
        await self._post("/api/payments/refunds", {"order_id": order.order_id}, order, once, _Done)

    async def contact(self, order: OrderRef, timeout: timedelta) -> Contact:
        """`GET /api/customers/{id}`."""
        customer = await self._rest(order, timeout).get(f"/api/customers/{order.customer_id}", into=_Customer)
        return Contact(name=customer.name, email=customer.email)

    async def _order(self, order: OrderRef, verb: str, body: Mapping[str, Any], once: Once) -> None:
        await self._post(f"/api/orders/{order.order_id}/{verb}", body, order, once, _Done)

    async def _post(self, path: str, body: Mapping[str, Any], order: OrderRef, once: Once, into: type[T]) -> T:
        rest = self._rest(order, once.timeout)
        return await rest.send("POST", path, body, into=into, idempotency_key=once.key)

    def _rest(self, order: OrderRef, timeout: timedelta) -> RestClient:
        headers = {"x-user-id": order.customer_id, "x-role": "service"}
        if order.traceparent:
            headers["traceparent"] = order.traceparent
        return self._pool.client(headers=headers, deadline_s=self._clock.monotonic_s() + timeout.total_seconds())


def _items(lines: tuple[Line, ...]) -> list[dict[str, Any]]:
    return [{"product_id": line.product_id, "quantity": line.quantity} for line in lines]


def _refusals(problem: Problem) -> tuple[Refusal, ...]:
    found = problem.members.get("errors")
    entries = [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
    return tuple(
        Refusal(field=str(entry.get("field", "")), message=str(entry.get("message", problem.title)))
        for entry in entries
    ) or (Refusal(field="", message=problem.detail or problem.title),)


def _shortages(problem: Problem) -> tuple[Shortage, ...]:
    try:
        return tuple(msgspec.convert(problem.members.get("shortages", []), list[Shortage])) or (_UNNAMED,)
    except msgspec.ValidationError:
        return (_UNNAMED,)


_UNNAMED = Shortage(product_id="", requested=0, available=0)
