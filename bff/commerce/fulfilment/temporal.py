"""Order workflows over Temporal and Redis: what resolvers have as `OrderWorkflows`.

Ids (DESIGN: idempotency ids): the record id is derived from the client's key, the workflow is `placeOrder:<record id>`
(`reorder:…`), the order `ord_` and the first 16 characters of the record id. So the order is found again from the key,
and its workflow from the order: by the projection in Redis, or, when that is lost, by the beginning of the id in
Temporal. The projection itself is written again from the workflow, which has every event it has published.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta

from temporalio.common import SearchAttributePair, TypedSearchAttributes

from bff.commerce.fulfilment.messages import (
    CancelOrderRequest,
    Fulfilment,
    FulfilmentStatus,
    OrderEvent,
    PlaceOrderRequest,
    Receipt,
)
from bff.commerce.fulfilment.ports import CancelResult, PendingOrder
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
#: How many workflows are queried at once for what the projection has lost.
MAX_QUERIES = 5

_WORKFLOW_ORDER_ID = re.compile(r"ord_([0-9a-f]{16})")


class TemporalOrders:
    """`OrderWorkflows` over Temporal, one per BFF process."""

    def __init__(self, *, workflows: Workflows, progress: ProgressReader) -> None:
        self._workflows = workflows
        self._progress = progress
        self._queries = asyncio.Semaphore(MAX_QUERIES)

    async def place(self, request: PlaceOrderRequest) -> Receipt | PendingOrder:
        field = request.claim.field
        claim = await request.claim.located(lambda older: self._workflows.exists(workflow_id(field, older)))
        request = replace(request, claim=claim)
        receipt = await self._workflows.start_or_join(
            _start(request), FulfilOrder.place, update_id=PLACE_UPDATE_ID, timeout=PLACE_TIMEOUT
        )
        if receipt is None:
            return PendingOrder(order_id=request.order_id)
        if receipt.claim.fingerprint != claim.fingerprint:
            raise IdempotencyKeyReused("this Idempotency-Key was used with other input")
        return receipt

    async def confirm_warehouse(self, order_id: str) -> bool:
        target = await self.workflow_of(order_id)
        return target is not None and await self._workflows.signal(target, FulfilOrder.warehouse_confirmed)

    async def cancel(self, order_id: str, reason: str) -> CancelResult:
        target = await self.workflow_of(order_id)
        if target is None:
            return CancelResult.NOT_RUNNING
        try:
            cancellation = await self._workflows.update(
                target,
                FulfilOrder.cancel,
                CancelOrderRequest(reason),
                update_id=CANCEL_UPDATE_ID,
                timeout=CANCEL_TIMEOUT,
            )
        except NotRunning:
            return CancelResult.NOT_RUNNING
        except UpdateRefused as refused:
            if refused.type == NOT_CANCELLABLE:
                return CancelResult.WITH_THE_CARRIER
            raise WorkflowsUnavailable("the order ended meanwhile: ask again", retry_after_s=1.0) from refused
        if cancellation is not None and cancellation.status is FulfilmentStatus.CANCELLED:
            return CancelResult.CANCELLED
        return CancelResult.UNDER_WAY

    async def workflow_of(self, order_id: str) -> str | None:
        match = _WORKFLOW_ORDER_ID.fullmatch(order_id)
        if match is None:
            return None
        prefixes = (workflow_id(field, match[1]) for field in FIELDS)
        return await self._progress.workflow_id(order_id) or await self._workflows.id_with_prefix(*prefixes)

    async def customer_of(self, order_id: str) -> str | None:
        target = await self.workflow_of(order_id)
        if target is None:
            return None
        return await self._workflows.search_attribute(target, CUSTOMER_ID)

    async def events(self, order_id: str, *, after: str | None, closed: bool) -> AsyncIterator[OrderEvent]:
        if not await self._progress.is_whole(order_id):
            await self._query(order_id)
        async for event in self._progress.events(order_id, after=after, closed=closed):
            yield event

    async def fulfilments(self, order_ids: Sequence[str]) -> list[Fulfilment | None]:
        try:
            stored = await self._progress.fulfilments(order_ids)
        except UpstreamUnavailable as error:
            queried = await asyncio.gather(*map(self._query, order_ids))
            if any(
                fulfilment is None and _WORKFLOW_ORDER_ID.fullmatch(order_id)
                for fulfilment, order_id in zip(queried, order_ids, strict=True)
            ):
                raise UpstreamUnavailable("the progress of orders cannot be read at the moment") from error
            return list(queried)
        missing = [order_id for fulfilment, order_id in zip(stored, order_ids, strict=True) if fulfilment is None]
        queried_by_id = dict(zip(missing, await asyncio.gather(*map(self._query, missing)), strict=True))
        return [
            fulfilment or queried_by_id.get(order_id) for fulfilment, order_id in zip(stored, order_ids, strict=True)
        ]

    async def aclose(self) -> None:
        await self._progress.aclose()

    async def _query(self, order_id: str) -> Fulfilment | None:
        """What the workflow itself says, which is also written where the next reader looks first."""
        if not _WORKFLOW_ORDER_ID.fullmatch(order_id):
            return None
        async with self._queries:
            try:
                target = await self.workflow_of(order_id)
                progress = None if target is None else await self._workflows.query(target, FulfilOrder.progress)
            except WorkflowsUnavailable:
                return None
        if progress is None:
            return None
        await self._progress.restore(progress)
        return progress.fulfilment


def _start(request: PlaceOrderRequest) -> Start[FulfilOrder, PlaceOrderRequest]:
    return Start(
        workflow=FulfilOrder.run,
        argument=request,
        id=workflow_id(request.claim.field, request.claim.record_id),
        task_queue=TASK_QUEUE,
        fingerprint=request.claim.fingerprint,
        search_attributes=TypedSearchAttributes(
            [
                SearchAttributePair(ORDER_STATUS, FulfilmentStatus.PLACING.value),
                SearchAttributePair(CUSTOMER_ID, request.customer_id),
            ]
        ),
        summary=f"order {request.order_id} of {request.customer_id}: {len(request.lines)} lines",
    )
