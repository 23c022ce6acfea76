"""The limiter on a store in memory: its contract, blocked and unlimited operations, shadow policies, held permits."""

import asyncio

import pytest

from matapalo.process.clock import SystemClock
from matapalo.ratelimit.store.ports import key_of
from tests.harness.eventually import eventually
from tests.harness.limits import SUBJECT, LimiterHarness, MemoryStore, memory_limiter
from tests.harness.limits_contract import LimiterContract
from tests.harness.limits_policies import permits, points, remaining, requests, tiers


async def test_blocked_and_unlimited_need_no_store() -> None:
    harness = LimiterHarness(requests("minute", 0, 60))
    decision = await harness.reserve()
    assert decision.denial == "RATE_LIMITED"
    assert decision.violated == ("minute",)
    assert decision.retry_after_s is None
    free = LimiterHarness(permits(5))
    free.limiter.use(tiers())
    assert (await free.reserve(cost=10**9)).allowed
    assert harness.store.calls == free.store.calls == {}


async def test_a_shadow_policy_only_tells_what_it_would_deny() -> None:
    harness = LimiterHarness(
        requests("minute", 1, 60, shadow=True), points(10, 1, shadow=True), permits(1, shadow=True)
    )
    decisions = [await harness.reserve(cost=8) for _ in range(3)]
    assert all(decision.allowed for decision in decisions)
    assert [decision.would_deny for decision in decisions] == [(), *[("minute", "cost", "concurrency")] * 2]
    for decision in decisions:
        assert decision.reservation is not None
        harness.limiter.settle(decision.reservation, 0)
    await harness.limiter.drain()
    assert remaining(await harness.limiter.state(SUBJECT, "free")) == {"minute": 0, "cost": 10, "concurrency": 1}


async def test_bad_arguments_are_bugs() -> None:
    harness = LimiterHarness(requests("minute", 1, 60))
    with pytest.raises(ValueError, match="name space"):
        await harness.reserve("cust_0001")
    with pytest.raises(ValueError, match="not negative"):
        await harness.reserve(cost=-1)


async def test_a_held_permit_is_renewed_until_the_block_ends() -> None:
    store = MemoryStore(SystemClock())
    limiter = memory_limiter(tiers(permits(1, lease_s=1)), store=store, clock=SystemClock())
    decision = await limiter.reserve(SUBJECT, "free", cost=0, kind="subscription")
    assert decision.reservation is not None
    async with limiter.hold(decision.reservation):
        await eventually(lambda: store.calls["renew"] >= 4, message="it is renewed", deadline_s=5)
        assert not (await limiter.reserve(SUBJECT, "free", cost=0, kind="query")).allowed
    await limiter.drain()
    assert (await limiter.reserve(SUBJECT, "free", cost=0, kind="query")).allowed


async def test_a_permit_released_while_it_is_renewed_is_free() -> None:
    harness = LimiterHarness(permits(1))
    decision = await harness.reserve(kind="subscription")
    assert decision.reservation is not None
    renewal = asyncio.create_task(harness.limiter.renew(decision.reservation))
    await asyncio.sleep(0)
    harness.limiter.release(decision.reservation)
    await renewal
    await harness.limiter.drain()
    assert remaining(await harness.limiter.state(SUBJECT, "free"))["concurrency"] == 1


async def test_one_key_a_subject_whatever_the_policies() -> None:
    harness = LimiterHarness()
    await harness.reserve()
    await harness.reserve(kind="introspection")
    assert list(harness.store.values) == [key_of(SUBJECT)] == ["rl:{user:cust_0001}"]


class TestInMemory(LimiterContract):
    """The contract of every store, for that of the other tests."""

    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore(SystemClock())
