"""Placing orders through Temporal and Redis, as the BFF does it."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis
from temporalio.client import Client

from bff.commerce.fulfilment.activities import OrderActivities
from bff.commerce.fulfilment.messages import Line, OrderEvent, Outcome, PlaceOrderRequest, Receipt
from bff.commerce.fulfilment.ports import CancelResult, PendingOrder
from bff.commerce.fulfilment.progress import ProgressReader, RedisProgress
from bff.commerce.fulfilment.temporal import TemporalOrders
from bff.commerce.worker import create_worker
from matapalo.errors import IdempotencyKeyReused, UpstreamUnavailable, WorkflowsUnavailable
from matapalo.idempotency.claim import Claim
from matapalo.workflows.client import Workflows
from tests.harness.eventually import eventually
from tests.harness.ledger import Ledger
from tests.harness.ports import free_port

pytestmark = pytest.mark.stack


def make_request(*, field: str = "placeOrder", **changes: Any) -> PlaceOrderRequest:
    claim = Claim(field, uuid.uuid4().hex * 2, fingerprint="of the input", attempt_id=uuid.uuid4().hex)
    request = PlaceOrderRequest(
        claim=claim, customer_id="cust_0001", lines=(Line("prod_0001", 1),), payment_method_id=None
    )
    return replace(request, **changes)


def repeat(request: PlaceOrderRequest, **changes: Any) -> PlaceOrderRequest:
    """The same request again, its claim with ``changes``."""
    return replace(request, claim=replace(request.claim, attempt_id=uuid.uuid4().hex, **changes))


@pytest.fixture
async def orders(temporal_address: str, valkey_url: str) -> AsyncIterator[TemporalOrders]:
    async with serving(temporal_address, valkey_url) as orders:
        yield orders


@asynccontextmanager
async def serving(temporal_address: str, valkey_url: str) -> AsyncIterator[TemporalOrders]:
    """The order workflows of one BFF process."""
    workflows = Workflows(address=temporal_address, namespace="default")
    orders = TemporalOrders(workflows=workflows, progress=ProgressReader(valkey_url))
    yield orders
    await orders.aclose()


@pytest.fixture
async def publishing(client: Client, valkey_url: str, ledger: Ledger) -> AsyncIterator[Ledger]:
    """A worker that writes progress to Valkey; its services are the ledger."""
    progress = RedisProgress(valkey_url)
    async with create_worker(client, OrderActivities(services=ledger, progress=progress, mail=ledger)):
        yield ledger
    await progress.aclose()


@pytest.fixture
async def valkey(valkey_url: str) -> AsyncIterator[Redis]:
    redis = Redis.from_url(valkey_url)
    yield redis
    await redis.aclose()


async def test_the_same_key_is_the_same_order_in_every_process(
    publishing: Ledger, orders: TemporalOrders, temporal_address: str, valkey_url: str, valkey: Redis
):
    request = make_request()
    receipt = await orders.place(request)
    assert isinstance(receipt, Receipt)
    assert receipt.claim == request.claim

    await valkey.flushall()
    async with serving(temporal_address, valkey_url) as other_process:
        assert await other_process.place(repeat(request)) == receipt
    assert publishing.effects[receipt.order_id].count("charge") == 1


async def test_many_at_once_with_one_key_are_one_order(publishing: Ledger, orders: TemporalOrders):
    request = make_request()
    receipts = await asyncio.gather(*(orders.place(repeat(request)) for _ in range(10)))
    assert len({receipt.order_id for receipt in receipts if isinstance(receipt, Receipt)}) == 1
    assert len({receipt.claim.attempt_id for receipt in receipts if isinstance(receipt, Receipt)}) == 1
    assert len(publishing.effects) == 1


async def test_other_input_is_a_conflict_also_after_the_end(publishing: Ledger, orders: TemporalOrders):
    request = make_request(payment_method_id="pm_declined")
    receipt = await orders.place(request)
    assert isinstance(receipt, Receipt)
    assert receipt.outcome is Outcome.PAYMENT_DECLINED
    with pytest.raises(IdempotencyKeyReused):
        await orders.place(repeat(request, fingerprint="of other input"))


async def test_without_a_worker_the_order_is_pending_until_a_repeat(
    client: Client, orders: TemporalOrders, ledger: Ledger, valkey_url: str
):
    request = make_request()
    pending = await orders.place(request)
    assert isinstance(pending, PendingOrder)

    with pytest.raises(IdempotencyKeyReused):
        await orders.place(repeat(request, fingerprint="of other input"))

    progress = RedisProgress(valkey_url)
    async with create_worker(client, OrderActivities(services=ledger, progress=progress, mail=ledger)):
        receipt = await orders.place(repeat(request))
    await progress.aclose()
    assert isinstance(receipt, Receipt)
    assert (receipt.order_id, receipt.claim) == (pending.order_id, request.claim)


async def test_without_redis_orders_are_placed_and_shipped(client: Client, temporal_address: str, ledger: Ledger):
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    progress = RedisProgress(nowhere)
    async with (
        create_worker(client, OrderActivities(services=ledger, progress=progress, mail=ledger)),
        serving(temporal_address, nowhere) as orders,
    ):
        receipt = await orders.place(make_request())
        assert isinstance(receipt, Receipt)
        await eventually(lambda: orders.confirm_warehouse(receipt.order_id), message="visibility has the order")
        await eventually(lambda: ledger.status[receipt.order_id] == "SHIPPED", message="the order is shipped")
        await client.get_workflow_handle(receipt.workflow_id).terminate()
    await progress.aclose()


async def test_without_temporal_an_order_fails_at_once(valkey_url: str):
    async with serving(f"127.0.0.1:{free_port()}", valkey_url) as orders, asyncio.timeout(1):
        with pytest.raises(WorkflowsUnavailable):
            await orders.place(make_request())


async def test_a_key_under_an_older_secret_is_the_same_order(
    publishing: Ledger, orders: TemporalOrders, temporal_address: str, valkey_url: str
):
    request = make_request()
    receipt = await orders.place(request)
    rotated = repeat(request, record_id=uuid.uuid4().hex * 2, older_record_ids=(request.claim.record_id,))
    async with serving(temporal_address, valkey_url) as other_process:
        assert await other_process.place(rotated) == receipt


@pytest.mark.parametrize("redis_lost_everything", [False, True])
async def test_the_warehouse_finishes_an_order_by_its_id(
    publishing: Ledger, orders: TemporalOrders, valkey: Redis, redis_lost_everything: bool
):
    receipt = await orders.place(make_request())
    assert isinstance(receipt, Receipt)
    if redis_lost_everything:
        await valkey.flushall()
        # Temporal's list of workflows is a moment late.
        await eventually(lambda: orders.confirm_warehouse(receipt.order_id), message="visibility has the order")
    else:
        assert await orders.confirm_warehouse(receipt.order_id)
    await eventually(lambda: publishing.status[receipt.order_id] == "SHIPPED", message="the order is shipped")

    async def is_over() -> bool:
        return not await orders.confirm_warehouse(receipt.order_id)

    await eventually(is_over, message="the workflow has ended")


@pytest.mark.parametrize("order_id", ["ord_00001", "ord_0123456789abcdef", "ord_' OR WorkflowId > '", ""])
async def test_an_order_without_a_workflow_cannot_be_confirmed(orders: TemporalOrders, order_id: str):
    assert await orders.confirm_warehouse(order_id) is False


async def test_progress_is_followed_from_beginning_to_end(publishing: Ledger, orders: TemporalOrders):
    receipt = await orders.place(make_request())
    assert isinstance(receipt, Receipt)
    seen: list[OrderEvent] = []
    async for event in orders.events(receipt.order_id, after=None, closed=False):
        if not seen:
            assert await orders.confirm_warehouse(receipt.order_id)
        seen.append(event)
    assert [event.number for event in seen] == list(range(1, len(seen) + 1))
    assert seen[-1].is_last
    (fulfilment,) = await orders.fulfilments([receipt.order_id])
    assert fulfilment is not None
    assert fulfilment.status == "COMPLETED"


def test_the_order_id_is_the_beginning_of_the_record_id():
    request = make_request()
    assert request.order_id == f"ord_{request.claim.record_id[:16]}"


@pytest.mark.parametrize("field", ["placeOrder", "reorder"])
async def test_progress_that_redis_lost_is_restored_from_the_workflow(
    publishing: Ledger, orders: TemporalOrders, valkey: Redis, field: str
):
    receipt = await orders.place(make_request(field=field))
    assert isinstance(receipt, Receipt)
    await eventually(lambda: _has_status(orders, receipt.order_id, "AWAITING_WAREHOUSE"), message="it is published")
    before = await orders.fulfilments([receipt.order_id])
    await valkey.flushall()

    await eventually(lambda: _has_status(orders, receipt.order_id, "AWAITING_WAREHOUSE"), message="visibility has it")
    assert await orders.fulfilments([receipt.order_id]) == before
    assert await valkey.hexists(f"order:{{{receipt.order_id}}}", "fulfilment")

    await valkey.flushall()  # and the worker writes what comes next into an empty stream
    await eventually(lambda: orders.confirm_warehouse(receipt.order_id), message="visibility has the order")
    await eventually(lambda: _has_status(orders, receipt.order_id, "COMPLETED"), message="the order is shipped")
    seen = [event.number async for event in orders.events(receipt.order_id, after=None, closed=False)]
    assert seen == list(range(1, len(seen) + 1))
    assert [e.number async for e in orders.events(receipt.order_id, after="3-0", closed=True)] == seen[3:]


async def test_without_redis_the_workflow_itself_is_queried(client: Client, temporal_address: str, ledger: Ledger):
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    progress = RedisProgress(nowhere)
    async with (
        create_worker(client, OrderActivities(services=ledger, progress=progress, mail=ledger)),
        serving(temporal_address, nowhere) as orders,
    ):
        receipt = await orders.place(make_request())
        assert isinstance(receipt, Receipt)
        await eventually(lambda: orders.workflow_of(receipt.order_id), message="visibility has the order")
        (fulfilment, unknown) = await orders.fulfilments([receipt.order_id, "ord_00001"])
        assert fulfilment is not None
        assert fulfilment.status == "AWAITING_WAREHOUSE"
        assert unknown is None
        await client.get_workflow_handle(receipt.workflow_id).terminate()
    await progress.aclose()


async def test_without_redis_and_temporal_progress_is_unavailable():
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    async with serving(f"127.0.0.1:{free_port()}", nowhere) as orders:
        with pytest.raises(UpstreamUnavailable):
            await orders.fulfilments(["ord_0123456789abcdef"])


async def test_the_customer_of_an_order_is_that_of_its_workflow(publishing: Ledger, orders: TemporalOrders):
    receipt = await orders.place(make_request(customer_id="cust_0007"))
    assert isinstance(receipt, Receipt)
    assert await orders.customer_of(receipt.order_id) == "cust_0007"
    assert await orders.customer_of("ord_0123456789abcdef") is None


async def test_an_order_is_cancelled_once_for_every_repeat(publishing: Ledger, orders: TemporalOrders, client: Client):
    receipt = await orders.place(make_request())
    assert isinstance(receipt, Receipt)
    results = await asyncio.gather(*(orders.cancel(receipt.order_id, "changed my mind") for _ in range(4)))
    assert set(results) == {CancelResult.CANCELLED}
    await client.get_workflow_handle(receipt.workflow_id).result()
    assert await orders.cancel(receipt.order_id, "again") is CancelResult.CANCELLED
    assert publishing.effects[receipt.order_id][4:] == ["refund", "release", "cancel"]
    assert publishing.reasons[receipt.order_id] == "changed my mind"


async def test_an_order_that_is_with_the_carrier_is_not_cancelled(publishing: Ledger, orders: TemporalOrders):
    receipt = await orders.place(make_request())
    assert isinstance(receipt, Receipt)
    publishing.hold["mark_shipped"] = asyncio.Event()
    await orders.confirm_warehouse(receipt.order_id)
    await eventually(lambda: publishing.calls["mark_shipped"], message="the parcel is with the carrier")
    assert await orders.cancel(receipt.order_id, "too late") is CancelResult.WITH_THE_CARRIER
    publishing.hold["mark_shipped"].set()
    await eventually(lambda: _has_status(orders, receipt.order_id, "COMPLETED"), message="the order is shipped")
    assert await orders.cancel(receipt.order_id, "too late") is CancelResult.NOT_RUNNING
    assert "refund" not in publishing.effects[receipt.order_id]


async def test_what_cannot_be_compensated_yet_is_under_way(publishing: Ledger, orders: TemporalOrders):
    receipt = await orders.place(make_request())
    assert isinstance(receipt, Receipt)
    publishing.hold["refund"] = asyncio.Event()
    assert await orders.cancel(receipt.order_id, "changed my mind") is CancelResult.UNDER_WAY
    publishing.hold["refund"].set()
    await eventually(lambda: _has_status(orders, receipt.order_id, "CANCELLED"), message="it is compensated")


async def test_subscribers_leave_no_trace_in_the_history(publishing: Ledger, orders: TemporalOrders, client: Client):
    async def history_of(subscribers: int) -> list[int]:
        receipt = await orders.place(make_request())
        assert isinstance(receipt, Receipt)
        subscriptions = [asyncio.create_task(_numbers_of(orders, receipt.order_id)) for _ in range(subscribers)]
        await orders.confirm_warehouse(receipt.order_id)
        seen = await asyncio.gather(*subscriptions)
        assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in seen)
        await eventually(lambda: _has_status(orders, receipt.order_id, "COMPLETED"), message="the order is shipped")
        handle = client.get_workflow_handle(receipt.workflow_id)
        await handle.result()
        kinds = [event.event_type for event in (await handle.fetch_history()).events]
        return [kind for kind in kinds if kind not in _MATTERS_OF_TIMING]

    assert await history_of(30) == await history_of(0)


#: Workflow tasks, markers of local activities (news that come together are published together), search attributes.
_MATTERS_OF_TIMING = (5, 6, 7, 25, 40)


async def _numbers_of(orders: TemporalOrders, order_id: str) -> list[int]:
    return [event.number async for event in orders.events(order_id, after=None, closed=False)]


async def _has_status(orders: TemporalOrders, order_id: str, status: str) -> bool:
    (fulfilment,) = await orders.fulfilments([order_id])
    return fulfilment is not None and fulfilment.status == status
