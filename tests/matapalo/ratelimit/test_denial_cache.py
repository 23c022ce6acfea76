"""The denial cache: which denials stand without a call to the store, and for how long."""

import pytest

from matapalo.ratelimit.denial_cache import DenialCache
from tests.harness.limits import SUBJECT, LimiterHarness
from tests.harness.limits_policies import permits, points, requests


async def test_a_denial_is_cached_for_five_seconds_at_most() -> None:
    harness = LimiterHarness(requests("minute", 2, 60))
    assert await harness.allowed(3) == 2
    calls = harness.store.calls["reserve"]
    assert await harness.allowed(100) == 0
    assert harness.store.calls["reserve"] == calls
    harness.clock.advance(5)
    await harness.reserve()
    assert harness.store.calls["reserve"] == calls + 1


async def test_a_cached_hint_keeps_counting_down() -> None:
    harness = LimiterHarness(requests("minute", 1, 60))
    await harness.allowed(1)
    first = await harness.reserve()
    harness.clock.advance(2)
    later = await harness.reserve()
    assert first.retry_after_s is not None
    assert later.retry_after_s == pytest.approx(first.retry_after_s - 2)
    assert later.policies[0].reset_s == pytest.approx(first.policies[0].reset_s - 2)


async def test_at_the_hint_the_same_request_is_allowed() -> None:
    harness = LimiterHarness(requests("minute", 1, 60), requests("hour", 3, 3600))
    await harness.allowed(1)
    for _ in range(2):
        wait_s = (await harness.reserve()).retry_after_s
        assert wait_s is not None
        harness.clock.advance(wait_s - 0.002)
        assert not (await harness.reserve()).allowed
        harness.clock.advance(0.002)
        assert (await harness.reserve()).allowed


async def test_missing_points_or_permits_are_not_cached() -> None:
    harness = LimiterHarness(points(10, 1), permits(1))
    first = await harness.reserve(cost=10)
    for _ in range(3):
        assert not (await harness.reserve(cost=10)).allowed
    assert harness.store.calls["reserve"] == 4
    assert first.reservation is not None
    harness.limiter.settle(first.reservation, 0)
    await harness.limiter.drain()
    assert (await harness.reserve(cost=10)).allowed


async def test_a_dearer_operation_is_told_its_own_wait() -> None:
    harness = LimiterHarness(requests("minute", 1, 60), points(100, 1))
    await harness.reserve(cost=50)
    assert (await harness.reserve(cost=1)).violated == ("minute",)
    dearer = await harness.reserve(cost=100)
    assert dearer.violated == ("minute", "cost")


async def test_a_denial_is_for_one_kind_one_tier_and_one_subject() -> None:
    harness = LimiterHarness(requests("minute", 1, 60))
    await harness.allowed(2)
    assert (await harness.reserve(kind="introspection")).allowed
    assert (await harness.reserve("ip:cust_0001")).allowed
    calls = harness.store.calls["reserve"]
    await harness.limiter.reserve(SUBJECT, "premium", cost=1, kind="query")
    assert harness.store.calls["reserve"] == calls + 1


async def test_the_denial_cache_is_bounded() -> None:
    harness = LimiterHarness(requests("minute", 1, 60))
    harness.limiter.denial_cache = DenialCache(harness.clock, max_entries=10)
    for number in range(30):
        await harness.allowed(2, f"ip:10.0.0.{number}")
    assert len(harness.limiter.denial_cache) == 10
