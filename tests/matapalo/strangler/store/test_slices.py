"""Counters by time, on a real Redis."""

from datetime import timedelta
from itertools import pairwise

import pytest
from redis.asyncio import Redis

from matapalo.strangler.errors import RedisUnavailable
from matapalo.strangler.store.routes import connect
from matapalo.strangler.store.slices import Slices
from tests.harness.clock import FakeClock
from tests.harness.ports import free_port

pytestmark = pytest.mark.stack
HOUR = timedelta(hours=1)


@pytest.fixture
def slices(redis: Redis, clock: FakeClock) -> Slices:
    return Slices(redis, clock=clock, fine_s=10)


async def test_what_several_add_is_added_up(slices: Slices, redis: Redis, clock: FakeClock) -> None:
    other = Slices(redis, clock=clock, fine_s=10)
    await slices.add({"traffic:orders": {"n:ok": 3, "n:24": 3}})
    await other.add({"traffic:orders": {"n:ok": 2}, "traffic:products": {"n:ok": 1}})
    assert await slices.total("traffic:orders", since=clock.now()) == {"n:ok": 5, "n:24": 3}


async def test_a_window_ends_and_begins_where_it_is_told(slices: Slices, clock: FakeClock) -> None:
    begin = clock.now()
    for _ in range(6):
        await slices.add({"x": {"n": 1}})
        clock.advance(10)
    assert await slices.total("x", since=begin) == {"n": 6}
    assert await slices.total("x", since=begin + timedelta(seconds=11)) == {"n": 4}, "a slice is in it whole or not"
    assert await slices.total("x", since=begin, until=begin + timedelta(seconds=29)) == {"n": 3}


async def test_a_long_window_is_read_from_coarse_slices(slices: Slices, clock: FakeClock) -> None:
    begin = clock.now()
    for _ in range(12):
        await slices.add({"x": {"n": 1}})
        clock.advance(3_600)
    assert await slices.total("x", since=begin) == {"n": 12}
    points = await slices.points("x", since=begin, at_most=24)
    assert len(points) <= 24
    assert sum(counts["n"] for _, _, counts in points) == 12
    assert points[0][0] == begin
    assert all(before[1] == after[0] for before, after in pairwise(points))


async def test_nothing_is_kept_longer_than_a_day_and_an_hour(slices: Slices, redis: Redis) -> None:
    await slices.add({"x": {"n": 1}})
    ttls_s = [await redis.ttl(key) async for key in redis.scan_iter(match="gateway:slices:x:*")]
    assert sorted(round(ttl / 3_600) for ttl in ttls_s) == [2, 25]


async def test_a_day_of_a_route_is_small(slices: Slices, redis: Redis, clock: FakeClock) -> None:
    busy = {f"{side}:{at}": 9 for side in "nl" for at in (*range(5, 40), "ok", "err")}
    for _ in range(12):
        await slices.add({"traffic:orders": busy})
        clock.advance(300)
    sizes = [await redis.memory_usage(key) or 0 async for key in redis.scan_iter(match="gateway:slices:*:300:*")]
    assert max(sizes) * 12 * 24 < 1_000_000


async def test_what_is_forgotten_is_gone(slices: Slices, clock: FakeClock) -> None:
    await slices.add({"x": {"n": 1}, "y": {"n": 1}})
    await slices.forget("x")
    assert await slices.total("x", since=clock.now()) == {}
    assert await slices.total("y", since=clock.now()) == {"n": 1}


async def test_without_redis_it_says_so(clock: FakeClock) -> None:
    away = connect(f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(RedisUnavailable):
        await Slices(away, clock=clock, fine_s=10).total("x", since=clock.now())
    await away.aclose()
