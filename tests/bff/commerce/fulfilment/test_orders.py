"""Placing orders through Temporal and Redis, as the BFF does it."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from redis.asyncio import Redis
from temporalio.client import Client

from bff.commerce.fulfilment.activities import OrderActivities
from bff.commerce.fulfilment.messages import Line, OrderEvent, Outcome, Receipt
from bff.commerce.fulfilment.orders import TemporalOrders, order_id_of
from bff.commerce.fulfilment.ports import CancelAnswer, OrderWish, PendingOrder
from bff.commerce.fulfilment.progress import ProgressReader, RedisProgress
from bff.commerce.worker import create_worker
from matapalo.errors import IdempotencyKeyReused, UpstreamUnavailable, WorkflowsUnavailable
from matapalo.workflows.client import Workflows
from tests.harness.ledger import Ledger
from tests.harness.ports import free_port
from tests.harness.waiting import eventually

pytestmark = pytest.mark.stack


def a_wish(**changes: object) -> OrderWish:
    wish = OrderWish(
        field="placeOrder",
        record_id=uuid.uuid4().hex * 2,
        older_record_ids=(),
        fingerprint="asked for this",
        attempt_id=uuid.uuid4().hex,
        customer_id="cust_0001",
        lines=(Line("prod_0001", 1),),
        payment_method_id=None,
    )
    return replace(wish, **changes)  # type: ignore[arg-type]


def repeated(wish: OrderWish, **changes: object) -> OrderWish:
    return replace(wish, attempt_id=uuid.uuid4().hex, **changes)  # type: ignore[arg-type]


@pytest.fixture
async def orders(temporal_address: str, valkey_url: str) -> AsyncIterator[TemporalOrders]:
    async with serving(temporal_address, valkey_url) as made:
        yield made


@asynccontextmanager
async def serving(temporal_address: str, valkey_url: str) -> AsyncIterator[TemporalOrders]:
    """What one BFF process has."""
    workflows = Workflows(address=temporal_address, namespace="default")
    made = TemporalOrders(workflows=workflows, progress=ProgressReader(valkey_url))
    yield made
    await made.aclose()


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


async def test_the_same_key_is_the_same_order_from_whichever_process_it_is_sent(
    publishing: Ledger, orders: TemporalOrders, temporal_address: str, valkey_url: str, valkey: Redis
):
    wish = a_wish()
    receipt = await orders.place(wish)
    assert isinstance(receipt, Receipt)
    assert receipt.attempt_id == wish.attempt_id

    await valkey.flushall()
    async with serving(temporal_address, valkey_url) as other_process:
        assert await other_process.place(repeated(wish)) == receipt
    assert publishing.effects[receipt.order_id].count("charge") == 1


async def test_many_at_once_with_one_key_are_one_order(publishing: Ledger, orders: TemporalOrders):
    wish = a_wish()
    receipts = await asyncio.gather(*(orders.place(repeated(wish)) for _ in range(10)))
    assert len({receipt.order_id for receipt in receipts if isinstance(receipt, Receipt)}) == 1
    assert len({receipt.attempt_id for receipt in receipts if isinstance(receipt, Receipt)}) == 1
    assert len(publishing.effects) == 1


async def test_the_same_key_with_other_input_is_a_conflict_also_after_the_end(
    publishing: Ledger, orders: TemporalOrders
):
    wish = a_wish(payment_method_id="pm_declined")
    receipt = await orders.place(wish)
    assert isinstance(receipt, Receipt)
    assert receipt.outcome is Outcome.PAYMENT_DECLINED
    with pytest.raises(IdempotencyKeyReused):
        await orders.place(repeated(wish, payment_method_id=None, fingerprint="asked for something else"))


async def test_without_a_worker_the_order_is_pending_and_the_same_key_learns_the_outcome_later(
    client: Client, orders: TemporalOrders, ledger: Ledger, valkey_url: str
):
    wish = a_wish()
    pending = await orders.place(wish)
    assert isinstance(pending, PendingOrder)

    with pytest.raises(IdempotencyKeyReused):
        await orders.place(repeated(wish, lines=(Line("prod_0001", 2),), fingerprint="asked for something else"))

    progress = RedisProgress(valkey_url)
    async with create_worker(client, OrderActivities(services=ledger, progress=progress, mail=ledger)):
        receipt = await orders.place(repeated(wish))
    await progress.aclose()
    assert isinstance(receipt, Receipt)
    assert (receipt.order_id, receipt.attempt_id) == (pending.order_id, wish.attempt_id)


async def test_without_redis_orders_are_placed_and_shipped(client: Client, temporal_address: str, ledger: Ledger):
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    progress = RedisProgress(nowhere)
    async with (
        create_worker(client, OrderActivities(services=ledger, progress=progress, mail=ledger)),
        serving(temporal_address, nowhere) as orders,
    ):
        receipt = await orders.place(a_wish())
        assert isinstance(receipt, Receipt)
        await eventually(lambda: orders.confirm_warehouse(receipt.order_id), message="visibility knows the order")
        await eventually(lambda: ledger.status[receipt.order_id] == "SHIPPED", message="the order is shipped")
        await client.get_workflow_handle(receipt.workflow_id).terminate()
    await progress.aclose()


async def test_temporal_away_is_said_at_once_and_forgotten_when_it_is_back(valkey_url: str):
    async with serving(f"127.0.0.1:{free_port()}", valkey_url) as orders, asyncio.timeout(1):
        with pytest.raises(WorkflowsUnavailable):
            await orders.place(a_wish())


async def test_a_key_that_was_first_used_under_an_older_secret_is_still_the_same_order(
    publishing: Ledger, orders: TemporalOrders, temporal_address: str, valkey_url: str
):
    wish = a_wish()
    receipt = await orders.place(wish)
    rotated = repeated(wish, record_id=uuid.uuid4().hex * 2, older_record_ids=(wish.record_id,))
    async with serving(temporal_address, valkey_url) as other_process:
        assert await other_process.place(rotated) == receipt


@pytest.mark.parametrize("redis_lost_everything", [False, True])
async def test_the_warehouse_finishes_an_order_by_its_id(
    publishing: Ledger, orders: TemporalOrders, valkey: Redis, redis_lost_everything: bool
):
    receipt = await orders.place(a_wish())
    assert isinstance(receipt, Receipt)
    if redis_lost_everything:
        await valkey.flushall()
        # Temporal's list of workflows is a moment late.
        await eventually(lambda: orders.confirm_warehouse(receipt.order_id), message="visibility knows the order")
    else:
        assert await orders.confirm_warehouse(receipt.order_id)
    await eventually(lambda: publishing.status[receipt.order_id] == "SHIPPED", message="the order is shipped")

    async def is_over() -> bool:
        return not await orders.confirm_warehouse(receipt.order_id)

    await eventually(is_over, message="the workflow has ended")


@pytest.mark.parametrize("order_id", ["ord_00001", "ord_0123456789abcdef", "ord_' OR WorkflowId > '", ""])
async def test_an_order_without_a_workflow_cannot_be_confirmed(orders: TemporalOrders, order_id: str):
    assert await orders.confirm_warehouse(order_id) is False


async def test_progress_of_an_order_is_followed_from_its_beginning_to_its_end(
    publishing: Ledger, orders: TemporalOrders
):
    receipt = await orders.place(a_wish())
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
    assert order_id_of("0123456789abcdef" + 48 * "0") == "ord_0123456789abcdef"


@pytest.mark.parametrize("field", ["placeOrder", "reorder"])
async def test_progress_that_redis_has_lost_is_written_again_from_the_workflow(
    publishing: Ledger, orders: TemporalOrders, valkey: Redis, field: str
):
    receipt = await orders.place(a_wish(field=field))
    assert isinstance(receipt, Receipt)
    await eventually(lambda: _stands(orders, receipt.order_id, "AWAITING_WAREHOUSE"), message="it is published")
    before = await orders.fulfilments([receipt.order_id])
    await valkey.flushall()

    await eventually(lambda: _stands(orders, receipt.order_id, "AWAITING_WAREHOUSE"), message="visibility knows it")
    assert await orders.fulfilments([receipt.order_id]) == before
    assert await valkey.hexists(f"order:{{{receipt.order_id}}}", "fulfilment")

    await valkey.flushall()  # and the worker writes what comes next into an empty stream
    await eventually(lambda: orders.confirm_warehouse(receipt.order_id), message="visibility knows the order")
    await eventually(lambda: _stands(orders, receipt.order_id, "COMPLETED"), message="the order is shipped")
    seen = [event.number async for event in orders.events(receipt.order_id, after=None, closed=False)]
    assert seen == list(range(1, len(seen) + 1))
    assert [e.number async for e in orders.events(receipt.order_id, after="3-0", closed=True)] == seen[3:]


async def test_without_redis_the_workflow_itself_is_asked_where_an_order_stands(
    client: Client, temporal_address: str, ledger: Ledger
):
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    progress = RedisProgress(nowhere)
    async with (
        create_worker(client, OrderActivities(services=ledger, progress=progress, mail=ledger)),
        serving(temporal_address, nowhere) as orders,
    ):
        receipt = await orders.place(a_wish())
        assert isinstance(receipt, Receipt)
        await eventually(lambda: orders.workflow_of(receipt.order_id), message="visibility knows the order")
        (found, nobodys) = await orders.fulfilments([receipt.order_id, "ord_00001"])
        assert found is not None
        assert found.status == "AWAITING_WAREHOUSE"
        assert nobodys is None
        await client.get_workflow_handle(receipt.workflow_id).terminate()
    await progress.aclose()


async def test_without_redis_and_temporal_nobody_knows_where_an_order_stands():
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    async with serving(f"127.0.0.1:{free_port()}", nowhere) as orders:
        with pytest.raises(UpstreamUnavailable):
            await orders.fulfilments(["ord_0123456789abcdef"])


async def test_an_order_is_its_customers_also_before_the_orders_service_knows_it(
    publishing: Ledger, orders: TemporalOrders
):
    receipt = await orders.place(a_wish(customer_id="cust_0007"))
    assert isinstance(receipt, Receipt)
    assert await orders.customer_of(receipt.order_id) == "cust_0007"
    assert await orders.customer_of("ord_0123456789abcdef") is None


async def test_an_order_is_cancelled_once_and_every_repeat_learns_of_it(
    publishing: Ledger, orders: TemporalOrders, client: Client
):
    receipt = await orders.place(a_wish())
    assert isinstance(receipt, Receipt)
    answers = await asyncio.gather(*(orders.cancel(receipt.order_id, "changed my mind") for _ in range(4)))
    assert set(answers) == {CancelAnswer.UNDONE}
    await client.get_workflow_handle(receipt.workflow_id).result()
    assert await orders.cancel(receipt.order_id, "again") is CancelAnswer.UNDONE
    assert publishing.effects[receipt.order_id][4:] == ["refund", "release", "cancel"]
    assert publishing.reasons[receipt.order_id] == "changed my mind"


async def test_an_order_that_is_with_the_carrier_is_not_cancelled(publishing: Ledger, orders: TemporalOrders):
    receipt = await orders.place(a_wish())
    assert isinstance(receipt, Receipt)
    publishing.hold["mark_shipped"] = asyncio.Event()
    await orders.confirm_warehouse(receipt.order_id)
    await eventually(lambda: publishing.calls["mark_shipped"], message="the parcel is with the carrier")
    assert await orders.cancel(receipt.order_id, "too late") is CancelAnswer.WITH_THE_CARRIER
    publishing.hold["mark_shipped"].set()
    await eventually(lambda: _stands(orders, receipt.order_id, "COMPLETED"), message="the order is shipped")
    assert await orders.cancel(receipt.order_id, "too late") is CancelAnswer.NOT_RUNNING
    assert "refund" not in publishing.effects[receipt.order_id]


async def test_what_cannot_be_undone_yet_is_said_to_be_under_way(publishing: Ledger, orders: TemporalOrders):
    receipt = await orders.place(a_wish())
    assert isinstance(receipt, Receipt)
    publishing.hold["refund"] = asyncio.Event()
    assert await orders.cancel(receipt.order_id, "changed my mind") is CancelAnswer.UNDER_WAY
    publishing.hold["refund"].set()
    await eventually(lambda: _stands(orders, receipt.order_id, "CANCELLED"), message="it is undone")


async def test_the_history_of_a_workflow_does_not_depend_on_who_watches(
    publishing: Ledger, orders: TemporalOrders, client: Client
):
    async def history_of(viewers: int) -> list[int]:
        receipt = await orders.place(a_wish())
        assert isinstance(receipt, Receipt)
        watching = [asyncio.create_task(_watched(orders, receipt.order_id)) for _ in range(viewers)]
        await orders.confirm_warehouse(receipt.order_id)
        seen = await asyncio.gather(*watching)
        assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in seen)
        await eventually(lambda: _stands(orders, receipt.order_id, "COMPLETED"), message="the order is shipped")
        handle = client.get_workflow_handle(receipt.workflow_id)
        await handle.result()
        kinds = [event.event_type for event in (await handle.fetch_history()).events]
        return [kind for kind in kinds if kind not in _MATTERS_OF_TIMING]

    assert await history_of(30) == await history_of(0)


#: Workflow tasks, markers of local activities (news that come together are published together), search attributes.
_MATTERS_OF_TIMING = (5, 6, 7, 25, 40)


async def _watched(orders: TemporalOrders, order_id: str) -> list[int]:
    return [event.number async for event in orders.events(order_id, after=None, closed=False)]


async def _stands(orders: TemporalOrders, order_id: str, status: str) -> bool:
    (found,) = await orders.fulfilments([order_id])
    return found is not None and found.status == status
