"""Placing and confirming orders on behalf of a viewer: who may, with what input, and what the answer means.

Shared by both clients' mutations. Raises the `BffError` that fits; input errors name the field by its GraphQL path.
"""

import re
from collections.abc import Sequence
from typing import NoReturn, Protocol
from uuid import uuid4

from bff.commerce.batches import is_id
from bff.commerce.context import Context
from bff.commerce.fulfilment.messages import Line, Outcome, Receipt, Refusal
from bff.commerce.fulfilment.outcomes import (
    ConfirmWarehouseOutcome,
    OrderNotWaiting,
    OrderPending,
    OrderPlaced,
    OutOfStock,
    PaymentDeclined,
    PlaceOrderOutcome,
    WarehouseConfirmed,
    WorkflowRun,
)
from bff.commerce.fulfilment.ports import OrderWish, PendingOrder
from bff.commerce.orders.loaders import load_orders
from bff.errors import BadUserInput, Forbidden, UpstreamUnavailable
from bff.idempotency.key import required_key

MAX_ITEMS = 50
MAX_QUANTITY = 99
POLL_AFTER_MS = 1_000


class Item(Protocol):
    """A line as a client's input has it."""

    @property
    def product_id(self) -> str: ...

    @property
    def quantity(self) -> int: ...


async def place_order(
    context: Context, *, client: str, items: Sequence[Item], payment_method_id: str | None
) -> PlaceOrderOutcome:
    """Place the viewer's order, once for each key. ``client`` keeps the keys of the two schemas apart."""
    customer_id = _customer(context)
    key = required_key(context.request.idempotency_key)
    if payment_method_id is not None and not is_id(payment_method_id):
        _refuse("input.paymentMethodId", "this cannot be a payment method", payment_method_id)
    wish = OrderWish(
        client=client,
        customer_id=customer_id,
        idempotency_key=key,
        attempt_id=uuid4().hex,
        lines=checked_lines(items),
        payment_method_id=payment_method_id,
    )
    answer = await context.workflows.place(wish)
    context.loads.clear()  # a field before this one may have read what has changed now
    if isinstance(answer, PendingOrder):
        return OrderPending(order_id=answer.order_id, poll_after_ms=POLL_AFTER_MS)
    replayed = answer.attempt_id != wish.attempt_id
    if replayed:
        context.response_headers["Idempotency-Replayed"] = "true"
    return await _outcome(context, answer, replayed=replayed)


async def confirm_warehouse(context: Context, order_id: str) -> ConfirmWarehouseOutcome:
    """Say for the warehouse that an order is packed."""
    context.subject()
    if context.viewer.role != "warehouse":
        raise Forbidden("only the warehouse confirms orders")
    if await context.workflows.confirm_warehouse(order_id):
        return WarehouseConfirmed(order_id=order_id)
    return OrderNotWaiting(order_id=order_id)


def checked_lines(items: Sequence[Item]) -> tuple[Line, ...]:
    """The lines of an order. A product may be listed once: two lines of it are more likely a mistake than a wish."""
    if not 1 <= len(items) <= MAX_ITEMS:
        _refuse("input.items", f"an order has 1 to {MAX_ITEMS} items", len(items))
    seen: dict[str, int] = {}
    for index, item in enumerate(items):
        field = f"input.items[{index}]"
        if not is_id(item.product_id):
            _refuse(f"{field}.productId", "there is no such product", item.product_id)
        if not 1 <= item.quantity <= MAX_QUANTITY:
            _refuse(f"{field}.quantity", f"order 1 to {MAX_QUANTITY} of a product", item.quantity)
        first = seen.setdefault(item.product_id, index)
        if first != index:
            _refuse(f"{field}.productId", f"items[{first}] has the same product: give one item", item.product_id)
    return tuple(Line(product_id=str(item.product_id), quantity=item.quantity) for item in items)


def _customer(context: Context) -> str:
    subject = context.subject()
    if context.viewer.role != "customer":
        raise Forbidden("only customers place orders")
    return subject


async def _outcome(context: Context, receipt: Receipt, *, replayed: bool) -> PlaceOrderOutcome:
    match receipt.outcome:
        case Outcome.PLACED:
            return await _placed(context, receipt, replayed=replayed)
        case Outcome.OUT_OF_STOCK:
            return OutOfStock(shortages=receipt.shortages)
        case Outcome.PAYMENT_DECLINED:
            return PaymentDeclined(reason=receipt.reason)
        case Outcome.INVALID:
            _refuse_as_the_service_did(receipt.refusals)
    raise UpstreamUnavailable(
        f"the order was given up and undone ({receipt.reason}): try again with a new Idempotency-Key", retryable=False
    )


async def _placed(context: Context, receipt: Receipt, *, replayed: bool) -> OrderPlaced:
    order = await context.loads.one(load_orders, receipt.order_id)
    if order is None:
        raise UpstreamUnavailable(f"order {receipt.order_id} is placed, but cannot be read at the moment")
    workflow = WorkflowRun(id=receipt.workflow_id, run_id=receipt.run_id, started_at=receipt.started_at)
    return OrderPlaced(order=order, workflow=workflow, replayed=replayed)


def _refuse_as_the_service_did(refusals: Sequence[Refusal]) -> NoReturn:
    first = refusals[0]
    path = re.sub(r"_([a-z])", lambda letter: letter[1].upper(), first.field)
    raise BadUserInput(f"input.{path}: {first.message}" if path else first.message, field=f"input.{path}".rstrip("."))


def _refuse(field: str, reason: str, value: object) -> NoReturn:
    shown = value[:80] if isinstance(value, str) else value
    raise BadUserInput(f"{field}: {reason}", field=field, value=shown)
