"""Order workflows over Temporal and Redis: what `matapalo.app` gives to resolvers as `OrderWorkflows`.

Ids (DESIGN: idempotency ids): the record id is derived from the client's key, the workflow is `placeOrder:<record id>`
(`reorder:…`), the order `ord_` and the first 16 characters of the record id. So the order is found again from the key,
and its workflow from the order: by the projection in Redis, or, when that is lost, by asking Temporal for the id's
beginning. The projection itself is written again from the workflow, which remembers everything it has published.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from temporalio.common import SearchAttributePair, TypedSearchAttributes

from bff.commerce.fulfilment.messages import (
    CancelWish,
    Fulfilment,
    FulfilmentStatus,
    OrderEvent,
    PlaceOrder,
    PublishProgress,
    Receipt,
)
from bff.commerce.fulfilment.ports import CancelAnswer, OrderWish, PendingOrder
from bff.commerce.fulfilment.progress import ProgressReader
from bff.commerce.fulfilment.workflow import (
    CANCEL_UPDATE_ID,
    CUSTOMER_ID,
    NOT_CANCELLABLE,
    ORDER_STATUS,
    PLACE_UPDATE_ID,
    TASK_QUEUE,
    FulfilOrder,
)
from matapalo import (
    IdempotencyKeyReused,
    NotRunning,
    Start,
    UpdateRefused,
    UpstreamUnavailable,
    Workflows,
    WorkflowsUnavailable,
    workflow_id,
)

#: The mutations that place orders.
FIELDS = ("placeOrder", "reorder")
PLACE_TIMEOUT = timedelta(seconds=2)
CANCEL_TIMEOUT = timedelta(seconds=2)
#: How many workflows one request asks at once for what the projection does not know.
MAX_ASKED = 5

_WORKFLOW_ORDER_ID = re.compile(r"ord_([0-9a-f]{16})")


class TemporalOrders:
    """One of these per BFF process."""

    def __init__(self, *, workflows: Workflows, progress: ProgressReader) -> None:
        self._workflows = workflows
        self._progress = progress
        self._asking = asyncio.Semaphore(MAX_ASKED)

    async def place(self, wish: OrderWish) -> Receipt | PendingOrder:
        """See `OrderWorkflows.place`."""
        record = await self._record(wish)
        order = PlaceOrder(
            order_id=order_id_of(record),
            customer_id=wish.customer_id,
            lines=wish.lines,
            payment_method_id=wish.payment_method_id,
            request_hash=wish.fingerprint,
            attempt_id=wish.attempt_id,
            traceparent=wish.traceparent,
        )
        receipt = await self._workflows.start_or_join(
            _start(order, workflow_id(wish.field, record)),
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
        target = await self.workflow_of(order_id)
        return target is not None and await self._workflows.signal(target, FulfilOrder.warehouse_confirmed)

    async def cancel(self, order_id: str, reason: str) -> CancelAnswer:
        """See `OrderWorkflows.cancel`."""
        target = await self.workflow_of(order_id)
        if target is None:
            return CancelAnswer.NOT_RUNNING
        try:
            answer = await self._workflows.update(
                target, FulfilOrder.cancel, CancelWish(reason), update_id=CANCEL_UPDATE_ID, timeout=CANCEL_TIMEOUT
            )
        except NotRunning:
            return CancelAnswer.NOT_RUNNING
        except UpdateRefused as refused:
            if refused.type == NOT_CANCELLABLE:
                return CancelAnswer.WITH_THE_CARRIER
            raise WorkflowsUnavailable("the order ended meanwhile: ask again", retry_after_s=1.0) from refused
        undone = answer is not None and answer.status is FulfilmentStatus.CANCELLED
        return CancelAnswer.UNDONE if undone else CancelAnswer.UNDER_WAY

    async def workflow_of(self, order_id: str) -> str | None:
        """See `OrderWorkflows.workflow_of`."""
        found = _WORKFLOW_ORDER_ID.fullmatch(order_id)
        if found is None:
            return None
        prefixes = (workflow_id(field, found[1]) for field in FIELDS)
        return await self._progress.workflow_id(order_id) or await self._workflows.id_with_prefix(*prefixes)

    async def customer_of(self, order_id: str) -> str | None:
        """See `OrderWorkflows.customer_of`."""
        target = await self.workflow_of(order_id)
        if target is None:
            return None
        return await self._workflows.keyword(target, CUSTOMER_ID)

    async def events(self, order_id: str, *, after: str | None, closed: bool) -> AsyncIterator[OrderEvent]:
        """See `OrderWorkflows.events`."""
        if not await self._progress.is_whole(order_id):
            await self._asked(order_id)
        async for event in self._progress.events(order_id, after=after, closed=closed):
            yield event

    async def fulfilments(self, order_ids: Sequence[str]) -> list[Fulfilment | None]:
        """See `OrderWorkflows.fulfilments`."""
        try:
            stored = await self._progress.fulfilments(order_ids)
        except UpstreamUnavailable as trouble:
            asked = await asyncio.gather(*map(self._asked, order_ids))
            if any(
                one is None and _WORKFLOW_ORDER_ID.fullmatch(id_) for one, id_ in zip(asked, order_ids, strict=True)
            ):
                raise UpstreamUnavailable("the progress of orders cannot be read at the moment") from trouble
            return list(asked)
        missing = [order_id for known, order_id in zip(stored, order_ids, strict=True) if known is None]
        found = dict(zip(missing, await asyncio.gather(*map(self._asked, missing)), strict=True))
        return [known or found.get(order_id) for known, order_id in zip(stored, order_ids, strict=True)]

    async def aclose(self) -> None:
        """Close what is open."""
        await self._progress.aclose()

    async def _asked(self, order_id: str) -> Fulfilment | None:
        """What the workflow itself answers, which is also written where the next reader finds it."""
        if not _WORKFLOW_ORDER_ID.fullmatch(order_id):
            return None
        async with self._asking:
            found = await self._progress_of(order_id)
        if found is None:
            return None
        await self._progress.restore(found)
        return found.fulfilment

    async def _progress_of(self, order_id: str) -> PublishProgress | None:
        try:
            target = await self.workflow_of(order_id)
            if target is None:
                return None
            return await self._workflows.query(target, FulfilOrder.progress)
        except WorkflowsUnavailable:
            return None

    async def _record(self, wish: OrderWish) -> str:
        """The record id: one of an older secret when the key was first used under it, else that of the wish."""
        for record in wish.older_record_ids:
            if await self._workflows.exists(workflow_id(wish.field, record)):
                return record
        return wish.record_id


def order_id_of(record: str) -> str:
    """The id of the order that is placed under an idempotency record."""
    return f"ord_{record[:16]}"


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
