"""Placing orders on behalf of a viewer, anew or again: who may, with what input, and what the receipt means.

Shared by both clients' mutations. Raises the `BffError` that fits; input errors name the field by its GraphQL path.
`PLACEMENT` says what is stored of an outcome under its key: ids and refusals, while the order is read again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

from bff.commerce.context import Context
from bff.commerce.fulfilment.messages import Line, Outcome, PlaceOrderRequest, Receipt, Refusal
from bff.commerce.fulfilment.outcomes import (
    OrderPending,
    OrderPlaced,
    OutOfStock,
    PaymentDeclined,
    PlaceOrderOutcome,
    WorkflowRun,
)
from bff.commerce.fulfilment.ports import PendingOrder
from bff.commerce.orders.loaders import load_orders
from bff.commerce.orders.model import Order
from bff.commerce.rest import graphql_name, is_id
from matapalo import BadUserInput, Claim, Forbidden, NotFound, Replay, UpstreamUnavailable

MAX_ITEMS = 50
MAX_QUANTITY = 99
POLL_AFTER_MS = 1_000


class Item(Protocol):
    """A line of a client's input."""

    @property
    def product_id(self) -> str: ...

    @property
    def quantity(self) -> int: ...


async def place_order(
    context: Context, claim: Claim, *, items: Sequence[Item], payment_method_id: str | None
) -> PlaceOrderOutcome:
    """Place an order for the viewer."""
    customer_id = _customer(context)
    return await _place(context, claim, customer_id, checked_lines(items), payment_method_id)


async def reorder(context: Context, claim: Claim, *, order_id: str, payment_method_id: str | None) -> PlaceOrderOutcome:
    """Order again what an order of the viewer's holds, at the prices of now. Raises `NotFound`."""
    customer_id = _customer(context)
    order = await context.loads.one(load_orders, order_id)
    if order is None:
        raise NotFound(f"there is no order {order_id[:64]}")
    return await _place(context, claim, customer_id, lines_of(order), payment_method_id)


def lines_of(order: Order) -> tuple[Line, ...]:
    """The lines of a new order for the same things."""
    quantities: dict[str, int] = {}
    for line in order.items:
        quantities[line.product_id] = quantities.get(line.product_id, 0) + line.quantity
    return tuple(Line(product_id, min(quantity, MAX_QUANTITY)) for product_id, quantity in quantities.items())


def checked_lines(items: Sequence[Item]) -> tuple[Line, ...]:
    """The lines of an order. A product may be listed once: two lines of it are more likely a mistake."""
    if not 1 <= len(items) <= MAX_ITEMS:
        _refuse("input.items", f"an order has 1 to {MAX_ITEMS} items", len(items))
    index_by_product: dict[str, int] = {}
    for index, item in enumerate(items):
        field = f"input.items[{index}]"
        if not is_id(item.product_id):
            _refuse(f"{field}.productId", "there is no such product", item.product_id)
        if not 1 <= item.quantity <= MAX_QUANTITY:
            _refuse(f"{field}.quantity", f"order 1 to {MAX_QUANTITY} of a product", item.quantity)
        first = index_by_product.setdefault(item.product_id, index)
        if first != index:
            _refuse(f"{field}.productId", f"items[{first}] has the same product: give one item", item.product_id)
    return tuple(Line(product_id=str(item.product_id), quantity=item.quantity) for item in items)


def _customer(context: Context) -> str:
    subject = context.subject()
    if context.viewer.role != "customer":
        raise Forbidden("only customers place orders")
    return subject


async def _place(
    context: Context, claim: Claim, customer_id: str, lines: tuple[Line, ...], payment_method_id: str | None
) -> PlaceOrderOutcome:
    if payment_method_id is not None and not is_id(payment_method_id):
        _refuse("input.paymentMethodId", "this cannot be a payment method", payment_method_id)
    request = PlaceOrderRequest(
        claim=claim,
        customer_id=customer_id,
        lines=lines,
        payment_method_id=payment_method_id,
        traceparent=context.request.traceparent,
    )
    receipt = await context.workflows.place(request)
    context.loads.clear()  # a field before this one may have read what has changed now
    if isinstance(receipt, PendingOrder):
        return OrderPending(order_id=receipt.order_id, poll_after_ms=POLL_AFTER_MS)
    replayed = receipt.claim.attempt_id != claim.attempt_id
    if replayed:
        context.replayed_attempts.add(claim.attempt_id)
    return await _outcome(context, receipt, replayed=replayed)


async def _outcome(context: Context, receipt: Receipt, *, replayed: bool) -> PlaceOrderOutcome:
    match receipt.outcome:
        case Outcome.PLACED:
            workflow = WorkflowRun(id=receipt.workflow_id, run_id=receipt.run_id, started_at=receipt.started_at)
            return await _placed(context, receipt.order_id, workflow, replayed=replayed)
        case Outcome.OUT_OF_STOCK:
            return OutOfStock(shortages=receipt.shortages)
        case Outcome.PAYMENT_DECLINED:
            return PaymentDeclined(reason=receipt.reason)
        case Outcome.INVALID:
            _refuse_as_the_service_did(receipt.refusals)
    raise UpstreamUnavailable(
        f"the order was given up and compensated ({receipt.reason}): try again with a new Idempotency-Key",
        retryable=False,
    )


async def _placed(context: Context, order_id: str, workflow: WorkflowRun, *, replayed: bool) -> OrderPlaced:
    order = await context.loads.one(load_orders, order_id)
    if order is None:
        raise UpstreamUnavailable(f"order {order_id} is placed, but cannot be read at the moment")
    return OrderPlaced(order=order, workflow=workflow, replayed=replayed)


def _refuse_as_the_service_did(refusals: Sequence[Refusal]) -> NoReturn:
    first = refusals[0]
    if not first.field:
        raise BadUserInput(first.message)
    field = graphql_name(first.field)
    raise BadUserInput(f"{field}: {first.message}", field=field)


def _refuse(field: str, reason: str, value: object) -> NoReturn:
    raise BadUserInput(f"{field}: {reason}", field=field, value=value[:80] if isinstance(value, str) else value)


@dataclass(frozen=True, slots=True)
class StoredPlacement:
    """What is stored of an `OrderPlaced`."""

    order_id: str
    workflow: WorkflowRun


def _store(outcome: PlaceOrderOutcome) -> StoredPlacement | OutOfStock | PaymentDeclined | None:
    match outcome:
        case OrderPlaced(order=order, workflow=workflow):
            return StoredPlacement(order.id, workflow)
        case OrderPending():
            return None
    return outcome


async def _restore(context: Any, stored: StoredPlacement | OutOfStock | PaymentDeclined) -> PlaceOrderOutcome:
    if not isinstance(stored, StoredPlacement):
        return stored
    return await _placed(context, stored.order_id, stored.workflow, replayed=True)


PLACEMENT = Replay(StoredPlacement, OutOfStock, PaymentDeclined, store=_store, restore=_restore)
