"""The REST services of an order in memory: what happened, once per idempotency key, and faults to order.

Stands in for `Services` and `Progress` of `bff.commerce.fulfilment.ports` and for `Mailer`. A fault makes the
exception that a step raises instead of acting (``before``) or after it (``after``: the response is lost); ``hold``
makes it wait.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from bff.commerce.fulfilment.messages import (
    Amount,
    CancelOrder,
    Charge,
    ChargeCustomer,
    ConfirmOrder,
    CreatedOrder,
    FulfilmentStatus,
    MarkShipped,
    OrderEvent,
    OrderRef,
    PlaceOrderRequest,
    PublishProgress,
    Refusal,
    ReserveStock,
    Shipment,
    Shortage,
    StockReservation,
)
from bff.commerce.fulfilment.ports import Contact
from bff.commerce.mail import Email
from matapalo.errors import Problem, UpstreamRejected
from matapalo.workflows.activity import IdempotentCall

T = TypeVar("T")
Fault = Callable[[], Exception]


@dataclass
class Ledger:
    """Effects by order, in the order they happened; `calls` counts attempts by step."""

    stock: dict[str, int] = field(default_factory=lambda: {"prod_0001": 1_000, "prod_0500": 0})
    status: dict[str, str] = field(default_factory=dict)
    effects: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    keys: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    reasons: dict[str, str] = field(default_factory=dict)
    emails: dict[str, Email] = field(default_factory=dict)
    events: list[OrderEvent] = field(default_factory=list)
    published_status: FulfilmentStatus | None = None
    before: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    after: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    always: dict[str, Fault] = field(default_factory=dict)
    hold: dict[str, asyncio.Event] = field(default_factory=dict)
    _results: dict[str, object] = field(default_factory=dict)
    _reserved: dict[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    _charged: set[str] = field(default_factory=set)
    _refunded: set[str] = field(default_factory=set)
    _released: set[str] = field(default_factory=set)
    _withdrawn: set[str] = field(default_factory=set)

    async def create_order(self, order: PlaceOrderRequest, call: IdempotentCall) -> CreatedOrder:
        def act() -> CreatedOrder:
            unknown = [line.product_id for line in order.lines if line.product_id not in self.stock]
            if unknown:
                return CreatedOrder(None, (Refusal("items[0].product_id", f"{unknown[0]} is not known"),))
            self._refuse_late(OrderRef(order.order_id, order.customer_id), self._withdrawn)
            self.status[order.order_id] = "PENDING"
            self.effects[order.order_id].append("create")
            return CreatedOrder(Amount(1_999, "EUR"))

        return await self._idempotent("create_order", call, act)

    async def reserve_stock(self, reservation: ReserveStock, call: IdempotentCall) -> StockReservation:
        def act() -> StockReservation:
            short = tuple(
                Shortage(line.product_id, line.quantity, self.stock[line.product_id])
                for line in reservation.lines
                if self.stock[line.product_id] < line.quantity
            )
            if short:
                return StockReservation(short)
            self._refuse_late(reservation.order, self._released)
            for line in reservation.lines:
                self.stock[line.product_id] -= line.quantity
            self._reserved[reservation.order.order_id] = tuple(
                (line.product_id, line.quantity) for line in reservation.lines
            )
            self.effects[reservation.order.order_id].append("reserve")
            return StockReservation()

        return await self._idempotent("reserve_stock", call, act)

    async def charge(self, charge: ChargeCustomer, call: IdempotentCall) -> Charge:
        def act() -> Charge:
            if charge.payment_method_id == "pm_declined":
                return Charge(None, "the card was declined")
            self._refuse_late(charge.order, self._refunded)
            self._charged.add(charge.order.order_id)
            self.effects[charge.order.order_id].append("charge")
            return Charge(f"pay_{charge.order.order_id}")

        return await self._idempotent("charge", call, act)

    async def confirm_order(self, confirmation: ConfirmOrder, call: IdempotentCall) -> None:
        await self._idempotent("confirm_order", call, lambda: self._becomes(confirmation.order, "CONFIRMED", "confirm"))

    async def create_shipment(self, order: OrderRef, call: IdempotentCall) -> Shipment:
        def act() -> Shipment:
            self.effects[order.order_id].append("shipment")
            return Shipment(f"shp_{order.order_id}", "TRACK-1")

        return await self._idempotent("create_shipment", call, act)

    async def mark_shipped(self, shipped: MarkShipped, call: IdempotentCall) -> None:
        await self._idempotent("mark_shipped", call, lambda: self._becomes(shipped.order, "SHIPPED", "ship"))

    async def cancel_order(self, cancellation: CancelOrder, call: IdempotentCall) -> None:
        def act() -> None:
            self._withdrawn.add(cancellation.order.order_id)
            if cancellation.order.order_id in self.status:
                self._becomes(cancellation.order, "CANCELLED", "cancel")
                self.reasons[cancellation.order.order_id] = cancellation.reason

        await self._idempotent("cancel_order", call, act)

    async def release_stock(self, order: OrderRef, call: IdempotentCall) -> None:
        def act() -> None:
            self._released.add(order.order_id)
            for product_id, quantity in self._reserved.pop(order.order_id, ()):
                self.stock[product_id] += quantity
                self.effects[order.order_id].append("release")

        await self._idempotent("release_stock", call, act)

    async def refund(self, order: OrderRef, call: IdempotentCall) -> None:
        def act() -> None:
            self._refunded.add(order.order_id)
            if order.order_id in self._charged:
                self._charged.discard(order.order_id)
                self.effects[order.order_id].append("refund")

        await self._idempotent("refund", call, act)

    async def contact(self, order: OrderRef, timeout: timedelta) -> Contact:
        return Contact(name="Ana", email=f"{order.customer_id}@example.org")

    async def send(self, email: Email) -> None:
        self.calls["send"] += 1
        self._fail("send", self.before)
        self.emails[email.id] = email

    async def publish(self, progress: PublishProgress) -> None:
        self.calls["publish"] += 1
        self._fail("publish", self.before)
        numbers = {event.number for event in self.events}
        self.published_status = progress.fulfilment.status
        self.events += [event for event in progress.events if event.number not in numbers]

    def _refuse_late(self, order: OrderRef, compensated: set[str]) -> None:
        """A compensation may overtake its step: that step is refused when it arrives."""
        if order.order_id in compensated:
            problem = Problem(status=409, slug="invalid-transition", title="compensated before it was done")
            raise UpstreamRejected("too late", problem=problem)

    def _becomes(self, order: OrderRef, status: str, effect: str) -> None:
        self.status[order.order_id] = status
        self.effects[order.order_id].append(effect)

    async def _idempotent(self, step: str, call: IdempotentCall, act: Callable[[], T]) -> T:
        self.calls[step] += 1
        self.keys[step].add(call.idempotency_key)
        if step in self.hold:
            await self.hold[step].wait()
        self._fail(step, self.before)
        if call.idempotency_key not in self._results:
            self._results[call.idempotency_key] = act()
        self._fail(step, self.after)
        return self._results[call.idempotency_key]  # type: ignore[return-value]

    def _fail(self, step: str, faults: dict[str, deque[Fault]]) -> None:
        if step in self.always:
            raise self.always[step]()
        if faults[step]:
            raise faults[step].popleft()()
