"""The stream of an order's events in Valkey: written once, read from anywhere, ended."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from bff.commerce.fulfilment.messages import (
    Fulfilment,
    FulfilmentStatus,
    OrderEvent,
    OrderRef,
    OrderStep,
    OrderStepState,
    PublishProgress,
    StepProgress,
)
from bff.commerce.fulfilment.progress import ProgressReader, RedisProgress
from matapalo.errors import BadUserInput, Overloaded, UpstreamUnavailable
from tests.harness.eventually import eventually
from tests.harness.ports import free_port

pytestmark = pytest.mark.stack

AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)


def event(number: int, step: OrderStep = OrderStep.CREATE) -> OrderEvent:
    return OrderEvent(number=number, step=step, state=OrderStepState.DONE, at=AT, message="fine")


def news(order_id: str, *events: OrderEvent) -> PublishProgress:
    steps = (StepProgress(name=OrderStep.CREATE, state=OrderStepState.DONE, started_at=AT, finished_at=AT),)
    return PublishProgress(
        order=OrderRef(order_id, "cust_0001"),
        workflow_id=f"placeOrder:{order_id}",
        events=events,
        fulfilment=Fulfilment(FulfilmentStatus.PLACING, steps),
    )


@pytest.fixture
def order_id() -> str:
    return f"ord_{uuid.uuid4().hex[:16]}"


@pytest.fixture
async def writer(valkey_url: str) -> AsyncIterator[RedisProgress]:
    made = RedisProgress(valkey_url)
    yield made
    await made.aclose()


@pytest.fixture
async def reader(valkey_url: str) -> AsyncIterator[ProgressReader]:
    made = ProgressReader(valkey_url)
    yield made
    await made.aclose()


async def numbers(reader: ProgressReader, order_id: str, *, after: str | None = None, closed: bool = False):
    return [event.number async for event in reader.events(order_id, after=after, closed=closed)]


async def test_events_come_back_as_they_were_written(writer: RedisProgress, reader: ProgressReader, order_id: str):
    written = (event(1), event(2, OrderStep.FINISH))
    await writer.publish(news(order_id, *written))
    assert tuple([received async for received in reader.events(order_id, after=None, closed=False)]) == written


async def test_what_is_written_again_is_there_once(writer: RedisProgress, reader: ProgressReader, order_id: str):
    await writer.publish(news(order_id, event(1)))
    await writer.publish(news(order_id, event(1), event(2), event(3, OrderStep.FINISH)))
    await writer.publish(news(order_id, event(2)))
    assert await numbers(reader, order_id) == [1, 2, 3]


async def test_a_subscriber_goes_on_after_an_event(writer: RedisProgress, reader: ProgressReader, order_id: str):
    await writer.publish(news(order_id, event(1), event(2), event(3, OrderStep.FINISH)))
    assert await numbers(reader, order_id, after="1-0") == [2, 3]
    assert await numbers(reader, order_id, after="3-0") == []


async def test_a_subscriber_gets_events_as_they_are_written(
    writer: RedisProgress, reader: ProgressReader, order_id: str
):
    events = reader.events(order_id, after=None, closed=False)
    for number, step in ((1, OrderStep.CREATE), (2, OrderStep.RESERVE), (3, OrderStep.FINISH)):
        coming = asyncio.ensure_future(anext(events))
        await writer.publish(news(order_id, event(number, step)))
        assert (await asyncio.wait_for(coming, 5)).number == number
    assert [received async for received in events] == []


async def test_a_settled_order_without_events_ends_at_once(reader: ProgressReader, order_id: str):
    assert await numbers(reader, order_id, closed=True) == []


async def test_the_state_and_the_workflow_of_an_order_can_be_asked(
    writer: RedisProgress, reader: ProgressReader, order_id: str
):
    progress = news(order_id, event(1))
    await writer.publish(progress)
    assert await reader.fulfilments([order_id, "ord_unknown"]) == [progress.fulfilment, None]
    assert await reader.workflow_id(order_id) == f"placeOrder:{order_id}"


async def test_what_is_written_does_not_stay_for_ever(writer: RedisProgress, valkey_url: str, order_id: str):
    await writer.publish(news(order_id, event(1)))
    redis = Redis.from_url(valkey_url)
    keys = [key async for key in redis.scan_iter(f"order:*{order_id}*")]
    lifetimes = [await redis.ttl(key) for key in keys]
    await redis.aclose()
    assert len(keys) == 2
    assert all(lifetime > 0 for lifetime in lifetimes)


@pytest.mark.parametrize("after", ["", "next", "1-0-0", "-1", "$", "9" * 40])
async def test_a_position_that_no_event_can_have_is_refused(reader: ProgressReader, order_id: str, after: str):
    with pytest.raises(BadUserInput, match="after"):
        await numbers(reader, order_id, after=after)


async def test_more_subscribers_than_connections_may_retry_later(valkey_url: str, order_id: str):
    reader = ProgressReader(valkey_url, max_subscribers=1)
    first = asyncio.create_task(numbers(reader, order_id))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded) as refusal:
        await asyncio.gather(*(numbers(reader, order_id) for _ in range(2)))
    assert refusal.value.retry_after_s
    first.cancel()
    await asyncio.wait({first})
    await reader.aclose()


async def test_redis_away_is_a_clear_error():
    reader = ProgressReader(f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(UpstreamUnavailable):
        await numbers(reader, "ord_1")
    with pytest.raises(UpstreamUnavailable):
        await reader.fulfilments(["ord_1"])
    assert await reader.workflow_id("ord_1") is None
    await reader.aclose()


async def test_a_subscriber_that_leaves_gives_its_connection_back(
    writer: RedisProgress, reader: ProgressReader, valkey_url: str, order_id: str
):
    redis = Redis.from_url(valkey_url)

    async def blocked() -> int:
        return int((await redis.info("clients"))["blocked_clients"])

    following = asyncio.create_task(numbers(reader, order_id))
    await eventually(blocked, message="the subscriber waits")
    following.cancel()
    await asyncio.wait({following})

    async def released() -> bool:
        return await blocked() == 0

    await eventually(released, message="no client waits in Valkey")
    await redis.aclose()


async def test_what_was_lost_is_restored_and_the_rest_untouched(
    writer: RedisProgress, reader: ProgressReader, order_id: str
):
    first, second, third, fourth = (event(number) for number in (1, 2, 3, 4))
    await writer.publish(news(order_id, third, fourth))  # after everything before was lost
    assert not await reader.is_whole(order_id)

    await reader.restore(news(order_id, first, second, third))  # as the workflow knew it a moment earlier

    assert await reader.is_whole(order_id)
    seen: list[OrderEvent] = []
    async for received in reader.events(order_id, after=None, closed=False):
        seen.append(received)
        if len(seen) == 4:
            break
    assert seen == [first, second, third, fourth]
    await writer.publish(news(order_id, event(5, OrderStep.FINISH)))  # the worker goes on where it was
    assert [e.number async for e in reader.events(order_id, after="3-0", closed=False)] == [4, 5]


async def test_restoring_what_is_whole_changes_nothing(
    writer: RedisProgress, reader: ProgressReader, order_id: str, valkey_url: str
):
    await writer.publish(news(order_id, event(1), event(2, OrderStep.FINISH)))
    async with Redis.from_url(valkey_url) as redis:
        before = await redis.dump(f"order:{{{order_id}}}:events")
        await reader.restore(news(order_id, event(1)))
        assert await redis.dump(f"order:{{{order_id}}}:events") == before


async def test_fifty_subscribers_get_all_events_across_a_reconnect(
    writer: RedisProgress, reader: ProgressReader, order_id: str
):
    async def follow(after: str | None, until: int) -> list[int]:
        seen: list[int] = []
        async for received in reader.events(order_id, after=after, closed=False):
            seen.append(received.number)
            if received.number == until:
                break
        return seen

    async def follow_across_a_reconnect() -> list[int]:
        before = await follow(None, 4)
        return before + await follow(f"{before[-1]}-0", 10)

    subscribers = [asyncio.create_task(follow_across_a_reconnect()) for _ in range(50)]
    for number in range(1, 10):
        await writer.publish(news(order_id, event(number)))
    await writer.publish(news(order_id, event(10, OrderStep.FINISH)))
    assert await asyncio.gather(*subscribers) == [list(range(1, 11))] * 50
