"""What the limiter adds to the store: the denial cache, the local fallback, permits that are held."""

import asyncio
from typing import Any

import pytest

from matapalo.process.clock import SystemClock
from matapalo.ratelimit.denial_cache import DenialCache
from matapalo.ratelimit.rules.decision import Decision
from matapalo.ratelimit.store.local_fallback import LocalFallback
from matapalo.ratelimit.store.ports import key_of
from matapalo.ratelimit.tier_reloader import TierReloader
from matapalo.ratelimit.tiers import packaged
from tests.harness.clock import FakeClock
from tests.harness.limits import MemoryStore, memory_limiter
from tests.harness.limits_contract import LimiterContract
from tests.harness.limits_policies import permits, points, remaining, requests, tiers
from tests.harness.waiting import eventually

WHO = "user:cust_0001"


class Harness:
    """A limiter, its store and their clock."""

    def __init__(self, *policies: Any, replicas: int = 1) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(self.clock)
        chosen = tiers(*policies) if policies else None
        self.limiter = memory_limiter(chosen, store=self.store, clock=self.clock, replicas=replicas)

    async def reserve(self, subject: str = WHO, cost: int = 1, **more: Any) -> Decision:
        return await self.limiter.reserve(subject, "free", cost=cost, kind=more.get("kind", "query"))

    async def allowed(self, times: int, subject: str = WHO, cost: int = 1) -> int:
        return sum([(await self.reserve(subject, cost)).allowed for _ in range(times)])


# --- the denial cache ---


async def test_a_denial_is_cached_for_five_seconds_at_most() -> None:
    harness = Harness(requests("minute", 2, 60))
    assert await harness.allowed(3) == 2
    calls = harness.store.calls["reserve"]
    assert await harness.allowed(100) == 0
    assert harness.store.calls["reserve"] == calls
    harness.clock.advance(5)
    await harness.reserve()
    assert harness.store.calls["reserve"] == calls + 1


async def test_a_cached_hint_keeps_counting_down() -> None:
    harness = Harness(requests("minute", 1, 60))
    await harness.allowed(1)
    first = await harness.reserve()
    harness.clock.advance(2)
    later = await harness.reserve()
    assert first.retry_after_s is not None
    assert later.retry_after_s == pytest.approx(first.retry_after_s - 2)
    assert later.policies[0].reset_s == pytest.approx(first.policies[0].reset_s - 2)


async def test_at_the_hint_the_same_request_is_allowed() -> None:
    harness = Harness(requests("minute", 1, 60), requests("hour", 3, 3600))
    await harness.allowed(1)
    for _ in range(2):
        wait_s = (await harness.reserve()).retry_after_s
        assert wait_s is not None
        harness.clock.advance(wait_s - 0.002)
        assert not (await harness.reserve()).allowed
        harness.clock.advance(0.002)
        assert (await harness.reserve()).allowed


async def test_missing_points_or_permits_are_not_cached() -> None:
    harness = Harness(points(10, 1), permits(1))
    first = await harness.reserve(cost=10)
    for _ in range(3):
        assert not (await harness.reserve(cost=10)).allowed
    assert harness.store.calls["reserve"] == 4
    assert first.reservation is not None
    harness.limiter.settle(first.reservation, 0)
    await harness.limiter.drain()
    assert (await harness.reserve(cost=10)).allowed


async def test_a_dearer_operation_is_told_its_own_wait() -> None:
    harness = Harness(requests("minute", 1, 60), points(100, 1))
    await harness.reserve(cost=50)
    assert (await harness.reserve(cost=1)).violated == ("minute",)
    dearer = await harness.reserve(cost=100)
    assert dearer.violated == ("minute", "cost")


async def test_a_denial_is_for_one_kind_one_tier_and_one_subject() -> None:
    harness = Harness(requests("minute", 1, 60))
    await harness.allowed(2)
    assert (await harness.reserve(kind="introspection")).allowed
    assert (await harness.reserve("ip:cust_0001")).allowed
    calls = harness.store.calls["reserve"]
    await harness.limiter.reserve(WHO, "premium", cost=1, kind="query")
    assert harness.store.calls["reserve"] == calls + 1


async def test_the_denial_cache_is_bounded() -> None:
    harness = Harness(requests("minute", 1, 60))
    harness.limiter.denial_cache = DenialCache(harness.clock, max_entries=10)
    for number in range(30):
        await harness.allowed(2, f"ip:10.0.0.{number}")
    assert len(harness.limiter.denial_cache) == 10


async def test_a_reset_by_another_process_takes_effect() -> None:
    harness = Harness(requests("minute", 1, 60))
    reloader = TierReloader(harness.limiter, harness.store, harness.limiter.tiers)
    await reloader.refresh()
    other = memory_limiter(harness.limiter.tiers, store=harness.store, clock=harness.clock)
    assert await harness.allowed(2) == 1
    await other.reset(WHO)
    await reloader.refresh()
    assert await harness.allowed(2) == 1


# --- blocked, unlimited, shadow ---


async def test_blocked_and_unlimited_need_no_store() -> None:
    harness = Harness(requests("minute", 0, 60))
    decision = await harness.reserve()
    assert decision.denial == "RATE_LIMITED"
    assert decision.violated == ("minute",)
    assert decision.retry_after_s is None
    free = Harness(permits(5))
    free.limiter.use(tiers())
    assert (await free.reserve(cost=10**9)).allowed
    assert harness.store.calls == free.store.calls == {}


async def test_a_shadow_policy_only_tells_what_it_would_deny() -> None:
    harness = Harness(requests("minute", 1, 60, shadow=True), points(10, 1, shadow=True), permits(1, shadow=True))
    decisions = [await harness.reserve(cost=8) for _ in range(3)]
    assert all(decision.allowed for decision in decisions)
    assert [decision.would_deny for decision in decisions] == [(), *[("minute", "cost", "concurrency")] * 2]
    for decision in decisions:
        assert decision.reservation is not None
        harness.limiter.settle(decision.reservation, 0)
    await harness.limiter.drain()
    assert remaining(await harness.limiter.state(WHO, "free")) == {"minute": 0, "cost": 10, "concurrency": 1}


async def test_bad_arguments_are_bugs() -> None:
    harness = Harness(requests("minute", 1, 60))
    with pytest.raises(ValueError, match="name space"):
        await harness.reserve("cust_0001")
    with pytest.raises(ValueError, match="not negative"):
        await harness.reserve(cost=-1)


# --- the store is away ---


async def test_the_fallback_goes_on_from_what_the_store_said() -> None:
    harness = Harness(requests("minute", 10, 60), points(100, 1))
    assert await harness.allowed(6, cost=10) == 6
    harness.store.is_away = True
    decisions = [await harness.reserve(cost=10) for _ in range(10)]
    assert [decision.allowed for decision in decisions] == [True] * 4 + [False] * 6
    assert all(decision.degraded for decision in decisions)
    harness.clock.advance(66)
    assert await harness.allowed(12) == 10


async def test_each_of_several_processes_gives_out_its_share() -> None:
    harness = Harness(requests("minute", 10, 60), points(100, 1), permits(10), replicas=2)
    harness.store.is_away = True
    assert await harness.allowed(20, "user:new") == 5
    assert (await harness.reserve("user:big", cost=80)).allowed  # fits the whole, so it must fit the share
    assert (await harness.reserve("user:bigger", cost=101)).denial == "COST_TOO_EXPENSIVE"


async def test_open_policies_let_pass_and_closed_ones_deny() -> None:
    harness = Harness(requests("minute", 1, 60, on_error="open"))
    harness.store.is_away = True
    decisions = [await harness.reserve() for _ in range(5)]
    assert all(decision.allowed and decision.degraded for decision in decisions)
    closed = Harness(requests("minute", 1, 60, on_error="closed"), permits(5))
    closed.store.is_away = True
    decision = await closed.reserve()
    assert decision.denial == "RATE_LIMITER_UNAVAILABLE"
    assert decision.violated == ("minute",)
    assert decision.retry_after_s == 1
    assert (await closed.reserve(kind="introspection")).allowed  # the closed policy does not count it


async def test_permits_of_the_fallback_come_back_to_it() -> None:
    harness = Harness(permits(2))
    harness.store.is_away = True
    first, second, third = [await harness.reserve() for _ in range(3)]
    assert third.denial == "CONCURRENCY_LIMITED"
    assert first.reservation is not None
    harness.limiter.settle(first.reservation, 0)
    assert (await harness.reserve()).allowed
    assert second.degraded


async def test_a_permit_of_the_fallback_moves_to_the_store() -> None:
    harness = Harness(permits(2))
    harness.store.is_away = True
    decision = await harness.reserve(kind="subscription")
    assert decision.reservation is not None
    assert await harness.limiter.renew(decision.reservation)
    harness.store.is_away = False
    assert await harness.limiter.renew(decision.reservation)
    assert not decision.reservation.is_local
    assert remaining(await harness.limiter.state(WHO, "free"))["concurrency"] == 1
    harness.limiter.release(decision.reservation)
    await harness.limiter.drain()
    assert remaining(await harness.limiter.state(WHO, "free"))["concurrency"] == 2


async def test_a_million_addresses_take_bounded_memory() -> None:
    harness = Harness(requests("minute", 1, 60))
    harness.limiter.local = LocalFallback(harness.clock, max_subjects=50)
    harness.store.is_away = True
    for number in range(500):
        assert (await harness.reserve(f"ip:fake{number}")).allowed
    assert len(harness.limiter.local) == 50


async def test_when_the_store_is_back_it_decides_again() -> None:
    harness = Harness(requests("minute", 10, 60))
    harness.store.is_away = True
    assert (await harness.reserve()).degraded
    harness.store.is_away = False
    harness.clock.advance(2)
    assert not (await harness.reserve()).degraded


# --- permits that are held ---


async def test_a_held_permit_is_renewed_until_the_block_ends() -> None:
    store = MemoryStore(SystemClock())
    limiter = memory_limiter(tiers(permits(1, lease_s=1)), store=store, clock=SystemClock())
    decision = await limiter.reserve(WHO, "free", cost=0, kind="subscription")
    assert decision.reservation is not None
    async with limiter.hold(decision.reservation):
        await eventually(lambda: store.calls["renew"] >= 4, message="it is renewed", deadline_s=5)
        assert not (await limiter.reserve(WHO, "free", cost=0, kind="query")).allowed
    await limiter.drain()
    assert (await limiter.reserve(WHO, "free", cost=0, kind="query")).allowed


async def test_a_permit_released_while_it_is_renewed_is_free() -> None:
    harness = Harness(permits(1))
    decision = await harness.reserve(kind="subscription")
    assert decision.reservation is not None
    renewal = asyncio.create_task(harness.limiter.renew(decision.reservation))
    await asyncio.sleep(0)
    harness.limiter.release(decision.reservation)
    await renewal
    await harness.limiter.drain()
    assert remaining(await harness.limiter.state(WHO, "free"))["concurrency"] == 1


# --- tiers from the store ---


async def test_reloading_goes_on_when_the_store_is_away_or_wrong() -> None:
    harness = Harness()
    outcomes: list[str] = []
    reloader = TierReloader(harness.limiter, harness.store, packaged(), poll_s=0.01, on_change=outcomes.append)
    harness.store.is_away = True
    await reloader.start()
    harness.store.is_away = False
    await harness.store.publish({"tiers": "[tier.free]\nminute = 1"}, counter="version")
    await eventually(lambda: outcomes == ["rejected"], message="nonsense is rejected")
    assert harness.limiter.tiers.plan("free", "query").policies == packaged().plan("free", "query").policies
    await harness.store.publish({"tiers": None}, counter="version")
    await eventually(lambda: outcomes == ["rejected", "applied"], message="the file's tiers hold")
    await reloader.aclose()


async def test_one_key_a_subject_whatever_the_policies() -> None:
    harness = Harness()
    await harness.reserve()
    await harness.reserve(kind="introspection")
    assert list(harness.store.values) == [key_of(WHO)] == ["rl:{user:cust_0001}"]


class TestInMemory(LimiterContract):
    """The contract of every store, for that of the other tests."""

    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore(SystemClock())
