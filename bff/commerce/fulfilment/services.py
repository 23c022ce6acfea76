"""The REST services of an order, over `matapalo.rest`: the `Services` port of the worker.

Every call carries the order's customer as `x-user-id`, so that a route which is split by user sends all calls of an
order to one side, and `x-role: service`, which may write. Business responses (402, 409 out-of-stock, 422 on create)
become messages; every other 4xx stays an `UpstreamRejected`.
"""

from collections.abc import Mapping
from dataclasses import asdict
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
    MarkShipped,
    OrderRef,
    PlaceOrderRequest,
    Refusal,
    ReserveStock,
    Shipment,
    Shortage,
    StockReservation,
)
from bff.commerce.fulfilment.ports import Contact
from matapalo import Clock, IdempotentCall, Problem, RestClient, RestPool, UpstreamRejected

T = TypeVar("T")

LONGEST_REASON = 200


class _Order(msgspec.Struct):
    total: Amount


class _Payment(msgspec.Struct):
    id: str


class _Shipment(msgspec.Struct):
    id: str
    tracking_number: str


class RestServices:
    """The services over HTTP, one per worker process."""

    def __init__(self, pool: RestPool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def create_order(self, order: PlaceOrderRequest, call: IdempotentCall) -> CreatedOrder:
        """`POST /api/orders`. What the service finds wrong with the input becomes refusals."""
        body = {"id": order.order_id, "customer_id": order.customer_id, "items": [asdict(line) for line in order.lines]}
        ref = OrderRef(order.order_id, order.customer_id, order.traceparent)
        try:
            made = await self._post("/api/orders", body, ref, call, _Order)
        except UpstreamRejected as rejected:
            if rejected.problem.slug != "invalid-parameter":
                raise
            return CreatedOrder(total=None, refusals=_refusals(rejected.problem))
        return CreatedOrder(total=made.total)

    async def reserve_stock(self, reservation: ReserveStock, call: IdempotentCall) -> StockReservation:
        body = {"order_id": reservation.order.order_id, "items": [asdict(line) for line in reservation.lines]}
        try:
            await self._post("/api/inventory/reservations", body, reservation.order, call, dict)
        except UpstreamRejected as rejected:
            if rejected.problem.slug != "out-of-stock":
                raise
            return StockReservation(shortages=_shortages(rejected.problem))
        return StockReservation()

    async def charge(self, charge: ChargeCustomer, call: IdempotentCall) -> Charge:
        body = {
            "order_id": charge.order.order_id,
            "customer_id": charge.order.customer_id,
            "amount": asdict(charge.amount),
            "payment_method_id": charge.payment_method_id,
        }
        try:
            payment = await self._post("/api/payments", body, charge.order, call, _Payment)
        except UpstreamRejected as rejected:
            if rejected.problem.slug != "payment-declined":
                raise
            reason = rejected.problem.detail or rejected.problem.title
            return Charge(payment_id=None, declined=reason[:LONGEST_REASON])
        return Charge(payment_id=payment.id)

    async def confirm_order(self, confirmation: ConfirmOrder, call: IdempotentCall) -> None:
        await self._order(confirmation.order, "confirm", {"payment_id": confirmation.payment_id}, call)

    async def create_shipment(self, order: OrderRef, call: IdempotentCall) -> Shipment:
        body = {"order_id": order.order_id, "customer_id": order.customer_id}
        made = await self._post("/api/shipping", body, order, call, _Shipment)
        return Shipment(shipment_id=made.id, tracking_number=made.tracking_number)

    async def mark_shipped(self, shipped: MarkShipped, call: IdempotentCall) -> None:
        await self._order(shipped.order, "ship", {"shipment_id": shipped.shipment_id}, call)

    async def cancel_order(self, cancellation: CancelOrder, call: IdempotentCall) -> None:
        """`POST /api/orders/{id}/withdraw`, after which a creation that was under way is refused."""
        await self._order(cancellation.order, "withdraw", {"reason": cancellation.reason}, call)

    async def release_stock(self, order: OrderRef, call: IdempotentCall) -> None:
        path = f"/api/inventory/reservations/{order.order_id}/release"
        await self._post(path, {}, order, call, dict)

    async def refund(self, order: OrderRef, call: IdempotentCall) -> None:
        await self._post("/api/payments/refunds", {"order_id": order.order_id}, order, call, dict)

    async def contact(self, order: OrderRef, timeout: timedelta) -> Contact:
        return await self._rest(order, timeout).get(f"/api/customers/{order.customer_id}", into=Contact)

    async def _order(self, order: OrderRef, verb: str, body: Mapping[str, Any], call: IdempotentCall) -> None:
        await self._post(f"/api/orders/{order.order_id}/{verb}", body, order, call, dict)

    async def _post(
        self, path: str, body: Mapping[str, Any], order: OrderRef, call: IdempotentCall, into: type[T]
    ) -> T:
        rest = self._rest(order, call.timeout)
        return await rest.send("POST", path, body, into=into, idempotency_key=call.idempotency_key)

    def _rest(self, order: OrderRef, timeout: timedelta) -> RestClient:
        headers = {"x-user-id": order.customer_id, "x-role": "service"}
        if order.traceparent:
            headers["traceparent"] = order.traceparent
        return self._pool.client(headers=headers, deadline_s=self._clock.monotonic_s() + timeout.total_seconds())


def _refusals(problem: Problem) -> tuple[Refusal, ...]:
    errors = problem.members.get("errors")
    entries = [entry for entry in errors if isinstance(entry, dict)] if isinstance(errors, list) else []
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
