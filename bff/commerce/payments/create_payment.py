"""Payment of an order that waits for it: charge the order's total, then confirm the order.

Two writes at two services, each once under the mutation's claim: a repeat goes on where it stopped.
An order is paid once, which the payments service sees to. Orders that a workflow places are paid by it, never here.
"""

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from bff.commerce.context import Context
from bff.commerce.orders.loaders import load_orders
from bff.commerce.orders.model import Order
from bff.commerce.payments.model import Payment
from bff.commerce.rest import is_id, write
from matapalo import BadUserInput, Claim, Forbidden, NotFound, UpstreamRejected, replay_snapshot

_PLACED_BY_A_WORKFLOW = re.compile(r"ord_[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class PaymentCreated:
    """Charged, and the order is confirmed."""

    payment: Payment


@dataclass(frozen=True, slots=True)
class PaymentRefused:
    """The card was declined; nothing was charged. ``reason`` is for the customer."""

    reason: str


@dataclass(frozen=True, slots=True)
class OrderNotPayable:
    """Nothing was charged. ``reason`` is for the customer."""

    order_id: str
    reason: str


CreatePaymentOutcome = PaymentCreated | PaymentRefused | OrderNotPayable
PAYMENT = replay_snapshot(PaymentCreated, PaymentRefused, OrderNotPayable)


class _Done(msgspec.Struct):
    """Any object: a response is enough."""


async def create_payment(
    context: Context, claim: Claim, *, order_id: str, payment_method_id: str | None
) -> CreatePaymentOutcome:
    """Pay for an order of the viewer's. Raises `NotFound`."""
    context.subject()
    if context.viewer.role != "customer":
        raise Forbidden("only customers pay for orders")
    if payment_method_id is not None and not is_id(payment_method_id):
        field = "input.paymentMethodId"
        raise BadUserInput(f"{field}: this cannot be a payment method", field=field, value=payment_method_id[:80])
    order = await context.loads.one(load_orders, order_id)
    if order is None:
        raise NotFound(f"there is no order {order_id[:64]}")
    if _PLACED_BY_A_WORKFLOW.fullmatch(order.id):
        return OrderNotPayable(order.id, "It is paid while it is placed.")
    outcome = await _charge(context, claim, order, payment_method_id)
    context.loads.clear()
    return outcome


async def _charge(context: Context, claim: Claim, order: Order, method: str | None) -> CreatePaymentOutcome:
    body: dict[str, Any] = {
        "order_id": order.id,
        "customer_id": order.customer_id,
        "amount": {"amount_minor": order.total.amount_minor, "currency": order.total.currency},
        "payment_method_id": method,
    }
    try:
        payment = await write(context, claim, "charge", "POST", "/api/payments", body, into=Payment)
    except UpstreamRejected as rejected:
        match rejected.problem.slug:
            case "payment-declined":
                return PaymentRefused(rejected.problem.detail or rejected.problem.title)
            case "already-exists":
                return OrderNotPayable(order.id, "It is paid already.")
            case "invalid-transition":
                return OrderNotPayable(order.id, "It was cancelled.")
        raise
    return await _confirm(context, claim, order, payment)


async def _confirm(context: Context, claim: Claim, order: Order, payment: Payment) -> CreatePaymentOutcome:
    """Confirm the order; refund when it was given up between the two writes."""
    path = f"/api/orders/{order.id}/confirm"
    try:
        await write(context, claim, "confirm", "POST", path, {"payment_id": payment.id}, into=_Done)
    except UpstreamRejected as rejected:
        if rejected.problem.slug != "invalid-transition":
            raise
        await write(context, claim, "refund", "POST", "/api/payments/refunds", {"order_id": order.id}, into=_Done)
        return OrderNotPayable(order.id, "It was cancelled; the money is given back.")
    return PaymentCreated(payment)
