"""The local fallback: limits of this process alone, while the store is away."""

from matapalo.ratelimit.store.local_fallback import LocalFallback
from tests.harness.limits import SUBJECT, LimiterHarness
from tests.harness.limits_policies import permits, points, remaining, requests


async def test_the_fallback_goes_on_from_what_the_store_said() -> None:
    harness = LimiterHarness(requests("minute", 10, 60), points(100, 1))
    assert await harness.allowed(6, cost=10) == 6
    harness.store.is_away = True
    decisions = [await harness.reserve(cost=10) for _ in range(10)]
    assert [decision.allowed for decision in decisions] == [True] * 4 + [False] * 6
    assert all(decision.degraded for decision in decisions)
    harness.clock.advance(66)
    assert await harness.allowed(12) == 10


async def test_each_of_several_processes_gives_out_its_share() -> None:
    harness = LimiterHarness(requests("minute", 10, 60), points(100, 1), permits(10), replicas=2)
    harness.store.is_away = True
    assert await harness.allowed(20, "user:new") == 5
    assert (await harness.reserve("user:big", cost=80)).allowed  # fits the whole, so it must fit the share
    assert (await harness.reserve("user:bigger", cost=101)).denial == "COST_TOO_EXPENSIVE"


async def test_open_policies_let_pass_and_closed_ones_deny() -> None:
    harness = LimiterHarness(requests("minute", 1, 60, on_error="open"))
    harness.store.is_away = True
    decisions = [await harness.reserve() for _ in range(5)]
    assert all(decision.allowed and decision.degraded for decision in decisions)
    closed = LimiterHarness(requests("minute", 1, 60, on_error="closed"), permits(5))
    closed.store.is_away = True
    decision = await closed.reserve()
    assert decision.denial == "RATE_LIMITER_UNAVAILABLE"
    assert decision.violated == ("minute",)
    assert decision.retry_after_s == 1
    assert (await closed.reserve(kind="introspection")).allowed  # the closed policy does not count it


async def test_permits_of_the_fallback_come_back_to_it() -> None:
    harness = LimiterHarness(permits(2))
    harness.store.is_away = True
    first, second, third = [await harness.reserve() for _ in range(3)]
    assert third.denial == "CONCURRENCY_LIMITED"
    assert first.reservation is not None
    harness.limiter.settle(first.reservation, 0)
    assert (await harness.reserve()).allowed
    assert second.degraded


async def test_a_permit_of_the_fallback_moves_to_the_store() -> None:
    harness = LimiterHarness(permits(2))
    harness.store.is_away = True
    decision = await harness.reserve(kind="subscription")
    assert decision.reservation is not None
    assert await harness.limiter.renew(decision.reservation)
    harness.store.is_away = False
    assert await harness.limiter.renew(decision.reservation)
    assert not decision.reservation.is_local
    assert remaining(await harness.limiter.state(SUBJECT, "free"))["concurrency"] == 1
    harness.limiter.release(decision.reservation)
    await harness.limiter.drain()
    assert remaining(await harness.limiter.state(SUBJECT, "free"))["concurrency"] == 2


async def test_a_million_addresses_take_bounded_memory() -> None:
    harness = LimiterHarness(requests("minute", 1, 60))
    harness.limiter.local = LocalFallback(harness.clock, max_subjects=50)
    harness.store.is_away = True
    for number in range(500):
        assert (await harness.reserve(f"ip:fake{number}")).allowed
    assert len(harness.limiter.local) == 50


async def test_when_the_store_is_back_it_decides_again() -> None:
    harness = LimiterHarness(requests("minute", 10, 60))
    harness.store.is_away = True
    assert (await harness.reserve()).degraded
    harness.store.is_away = False
    harness.clock.advance(2)
    assert not (await harness.reserve()).degraded
