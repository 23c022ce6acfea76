"""Order workflows over Temporal and Redis: what `bff.app` gives to resolvers as `OrderWorkflows`.

Ids (DESIGN: idempotency ids): the record id is derived from the client's key, the workflow is `placeOrder:<record id>`,
the order `ord_` and the first 16 characters of the record id. So the order is found again from the key, and its
workflow from the order: by the projection in Redis, or, when that is lost, by asking Temporal for the id's beginning.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import msgspec
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from bff.commerce.fulfilment.messages import Fulfilment, FulfilmentStatus, OrderEvent, PlaceOrder, Receipt
from bff.commerce.fulfilment.ports import OrderWish, PendingOrder
from bff.commerce.fulfilment.progress import ProgressReader
from bff.commerce.fulfilment.workflow import CUSTOMER_ID, ORDER_STATUS, PLACE_UPDATE_ID, TASK_QUEUE, FulfilOrder
from bff.errors import IdempotencyKeyReused
from bff.idempotency.key import record_id
from bff.workflows.client import Start, Workflows
from bff.workflows.ids import workflow_id

FIELD = "placeOrder"
PLACE_TIMEOUT = timedelta(seconds=2)

_WORKFLOW_ORDER_ID = re.compile(r"ord_([0-9a-f]{16})")


class TemporalOrders:
    """One of these per BFF process."""

    def __init__(self, *, workflows: Workflows, progress: ProgressReader, secrets: Sequence[str]) -> None:
        self._workflows = workflows
        self._progress = progress
        self._secrets = secrets

    async def place(self, wish: OrderWish) -> Receipt | PendingOrder:
        """See `OrderWorkflows.place`."""
        record = await self._record(wish)
        order = PlaceOrder(
            order_id=order_id_of(record),
            customer_id=wish.customer_id,
            lines=wish.lines,
            payment_method_id=wish.payment_method_id,
            request_hash=fingerprint(wish),
            attempt_id=wish.attempt_id,
        )
        receipt = await self._workflows.start_or_join(
            _start(order, workflow_id(FIELD, record)),
            FulfilOrder.place,
            update_id=PLACE_UPDATE_ID,
            timeout=PLACE_TIMEOUT,
        )
        if receipt is None:
            return PendingOrder(order_id=order.order_id)
        if receipt.request_hash != order.request_hash:
            raise IdempotencyKeyReused("this Idempotency-Key was used with other input")
        return receipt

    async def confirm_warehouse(self, order_id: str) -> bool:
        """See `OrderWorkflows.confirm_warehouse`."""
        found = _WORKFLOW_ORDER_ID.fullmatch(order_id)
        if found is None:
            return False
        prefix = workflow_id(FIELD, found[1])
        target = await self._progress.workflow_id(order_id) or await self._workflows.running_with_prefix(prefix)
        return target is not None and await self._workflows.signal(target, FulfilOrder.warehouse_confirmed)

    def events(self, order_id: str, *, after: str | None, closed: bool) -> AsyncIterator[OrderEvent]:
        """See `OrderWorkflows.events`."""
        return self._progress.events(order_id, after=after, closed=closed)

    async def fulfilments(self, order_ids: Sequence[str]) -> list[Fulfilment | None]:
        """See `OrderWorkflows.fulfilments`."""
        return await self._progress.fulfilments(order_ids)

    async def aclose(self) -> None:
        """Close what is open."""
        await self._progress.aclose()

    async def _record(self, wish: OrderWish) -> str:
        """The record id: of an older secret when the key was first used under it, else of the one that signs now."""
        current, *older = (
            record_id(secret, client=wish.client, subject=wish.customer_id, field=FIELD, key=wish.idempotency_key)
            for secret in self._secrets
        )
        for record in older:
            if await self._workflows.exists(workflow_id(FIELD, record)):
                return record
        return current


def order_id_of(record: str) -> str:
    """The id of the order that is placed under an idempotency record."""
    return f"ord_{record[:16]}"


def fingerprint(wish: OrderWish) -> str:
    """SHA-256 of what was asked for: the same for a repeat, another one for other input."""
    return hashlib.sha256(msgspec.json.encode([wish.lines, wish.payment_method_id])).hexdigest()


def _start(order: PlaceOrder, workflow: str) -> Start[FulfilOrder, PlaceOrder]:
    return Start(
        workflow=FulfilOrder.run,
        argument=order,
        id=workflow,
        task_queue=TASK_QUEUE,
        fingerprint=order.request_hash,
        search_attributes=TypedSearchAttributes(
            [
                SearchAttributePair(ORDER_STATUS, FulfilmentStatus.PLACING.value),
                SearchAttributePair(CUSTOMER_ID, order.customer_id),
            ]
        ),
        summary=f"order {order.order_id} of {order.customer_id}: {len(order.lines)} lines",
    )
