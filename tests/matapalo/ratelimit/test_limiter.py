"""What the limiter adds to the store: remembered refusals, limits of its own while the store is away, metrics."""

import asyncio
from typing import Any

import pytest

from matapalo.process.clock import SystemClock
from matapalo.ratelimit.rules.decision import Decision
from matapalo.ratelimit.store.local_fallback import LocalLimits
from matapalo.ratelimit.store.ports import key_of
from matapalo.ratelimit.tier_reloader import TierReloader
from matapalo.ratelimit.tiers import packaged
from tests.harness.clock import FakeClock
from tests.harness.limits import MemoryStore, memory_limiter
from tests.harness.limits_contract import left, tiers
from tests.harness.limits_policies import places, points, requests
from tests.harness.waiting import eventually

WHO = "user:cust_0001"


class Setting:
    """A limiter, its store and their clock."""

    def __init__(self, *policies: Any, replicas: int = 1) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(self.clock)
        chosen = tiers(*policies) if policies else None
        self.limiter = memory_limiter(chosen, store=self.store, clock=self.clock, replicas=replicas)

    async def ask(self, subject: str = WHO, cost: int = 1, **more: Any) -> Decision:
        return await self.limiter.reserve(subject, "free", cost=cost, kind=more.get("kind", "query"))

    async def admitted(self, times: int, subject: str = WHO, cost: int = 1) -> int:
        return sum([(await self.ask(subject, cost)).admitted for _ in range(times)])


# --- refusals remembered ---


async def test_a_refusal_is_remembered_for_five_seconds_at_most() -> None:
    here = Setting(requests("minute", 2, 60))
    assert await here.admitted(3) == 2
    asked = here.store.asked["reserve"]
    assert await here.admitted(100) == 0
    assert here.store.asked["reserve"] == asked
    here.clock.advance(5)
    await here.ask()
    assert here.store.asked["reserve"] == asked + 1


async def test_a_remembered_hint_keeps_counting_down() -> None:
    here = Setting(requests("minute", 1, 60))
    await here.admitted(1)
    first = await here.ask()
    here.clock.advance(2)
    later = await here.ask()
    assert first.retry_after_s is not None
    assert later.retry_after_s == pytest.approx(first.retry_after_s - 2)
    assert later.policies[0].reset_s == pytest.approx(first.policies[0].reset_s - 2)


async def test_at_the_hint_the_same_request_is_admitted() -> None:
    here = Setting(requests("minute", 1, 60), requests("hour", 3, 3600))
    await here.admitted(1)
    for _ in range(2):
        wait_s = (await here.ask()).retry_after_s
        assert wait_s is not None
        here.clock.advance(wait_s - 0.002)
        assert not (await here.ask()).admitted
        here.clock.advance(0.002)
        assert (await here.ask()).admitted


async def test_what_lacks_only_points_or_a_place_is_asked_again_each_time() -> None:
    here = Setting(points(10, 1), places(1))
    first = await here.ask(cost=10)
    for _ in range(3):
        assert not (await here.ask(cost=10)).admitted
    assert here.store.asked["reserve"] == 4
    assert first.reservation is not None
    here.limiter.settle(first.reservation, 0)
    await here.limiter.drain()
    assert (await here.ask(cost=10)).admitted


async def test_a_dearer_operation_is_told_its_own_wait() -> None:
    here = Setting(requests("minute", 1, 60), points(100, 1))
    await here.ask(cost=50)
    assert (await here.ask(cost=1)).violated == ("minute",)
    dearer = await here.ask(cost=100)
    assert dearer.violated == ("minute", "cost")


async def test_another_kind_another_tier_and_another_subject_are_not_refused_with_it() -> None:
    here = Setting(requests("minute", 1, 60))
    await here.admitted(2)
    assert (await here.ask(kind="introspection")).admitted
    assert (await here.ask("ip:cust_0001")).admitted
    asked = here.store.asked["reserve"]
    await here.limiter.reserve(WHO, "premium", cost=1, kind="query")
    assert here.store.asked["reserve"] == asked + 1


async def test_refusals_remembered_are_bounded() -> None:
    here = Setting(requests("minute", 1, 60))
    here.limiter.denials._most = 10
    for number in range(30):
        await here.admitted(2, f"ip:10.0.0.{number}")
    assert len(here.limiter.denials) == 10


async def test_a_reset_of_another_process_is_heard_of() -> None:
    here = Setting(requests("minute", 1, 60))
    following = TierReloader(here.limiter, here.store, here.limiter.tiers)
    await following.look()
    other = memory_limiter(here.limiter.tiers, store=here.store, clock=here.clock)
    assert await here.admitted(2) == 1
    await other.reset(WHO)
    await following.look()
    assert await here.admitted(2) == 1


# --- blocked, unlimited, shadow ---


async def test_nothing_is_asked_for_the_blocked_and_the_unlimited() -> None:
    here = Setting(requests("minute", 0, 60))
    decision = await here.ask()
    assert decision.refusal == "RATE_LIMITED"
    assert decision.violated == ("minute",)
    assert decision.retry_after_s is None
    free = Setting(places(5))
    free.limiter.use(tiers())
    assert (await free.ask(cost=10**9)).admitted
    assert here.store.asked == free.store.asked == {}


async def test_a_shadow_policy_tells_what_it_would_refuse_and_charges_what_it_would() -> None:
    here = Setting(requests("minute", 1, 60, shadow=True), points(10, 1, shadow=True), places(1, shadow=True))
    decisions = [await here.ask(cost=8) for _ in range(3)]
    assert all(one.admitted for one in decisions)
    assert [one.would_refuse for one in decisions] == [(), *[("minute", "cost", "concurrency")] * 2]
    for one in decisions:
        assert one.reservation is not None
        here.limiter.settle(one.reservation, 0)
    await here.limiter.drain()
    assert left(await here.limiter.state(WHO, "free")) == {"minute": 0, "cost": 10, "concurrency": 1}


async def test_bad_arguments_are_bugs() -> None:
    here = Setting(requests("minute", 1, 60))
    with pytest.raises(ValueError, match="name space"):
        await here.ask("cust_0001")
    with pytest.raises(ValueError, match="not negative"):
        await here.ask(cost=-1)


# --- the store is away ---


async def test_the_limits_of_this_process_go_on_from_what_the_store_said() -> None:
    here = Setting(requests("minute", 10, 60), points(100, 1))
    assert await here.admitted(6, cost=10) == 6
    here.store.is_away = True
    decisions = [await here.ask(cost=10) for _ in range(10)]
    assert [one.admitted for one in decisions] == [True] * 4 + [False] * 6
    assert all(one.degraded for one in decisions)
    here.clock.advance(66)
    assert await here.admitted(12) == 10


async def test_each_of_several_processes_gives_out_its_share() -> None:
    here = Setting(requests("minute", 10, 60), points(100, 1), places(10), replicas=2)
    here.store.is_away = True
    assert await here.admitted(20, "user:new") == 5
    assert (await here.ask("user:big", cost=80)).admitted  # fits the whole, so it must fit the share
    assert (await here.ask("user:bigger", cost=101)).refusal == "COST_TOO_EXPENSIVE"


async def test_open_policies_let_pass_and_closed_ones_refuse() -> None:
    here = Setting(requests("minute", 1, 60, on_error="open"))
    here.store.is_away = True
    decisions = [await here.ask() for _ in range(5)]
    assert all(one.admitted and one.degraded for one in decisions)
    closed = Setting(requests("minute", 1, 60, on_error="closed"), places(5))
    closed.store.is_away = True
    decision = await closed.ask()
    assert decision.refusal == "RATE_LIMITER_UNAVAILABLE"
    assert decision.violated == ("minute",)
    assert decision.retry_after_s == 1
    assert (await closed.ask(kind="introspection")).admitted  # the closed policy does not count it


async def test_places_given_out_here_come_back_here() -> None:
    here = Setting(places(2))
    here.store.is_away = True
    first, second, third = [await here.ask() for _ in range(3)]
    assert third.refusal == "CONCURRENCY_LIMITED"
    assert first.reservation is not None
    here.limiter.settle(first.reservation, 0)
    assert (await here.ask()).admitted
    assert second.degraded


async def test_a_place_given_out_here_moves_to_the_store_when_it_is_back() -> None:
    here = Setting(places(2))
    here.store.is_away = True
    decision = await here.ask(kind="subscription")
    assert decision.reservation is not None
    assert await here.limiter.renew(decision.reservation)
    here.store.is_away = False
    assert await here.limiter.renew(decision.reservation)
    assert not decision.reservation.is_local
    assert left(await here.limiter.state(WHO, "free"))["concurrency"] == 1
    here.limiter.release(decision.reservation)
    await here.limiter.drain()
    assert left(await here.limiter.state(WHO, "free"))["concurrency"] == 2


async def test_a_million_addresses_take_bounded_memory() -> None:
    here = Setting(requests("minute", 1, 60))
    here.limiter.local = LocalLimits(here.clock, most=50)
    here.store.is_away = True
    for number in range(500):
        assert (await here.ask(f"ip:fake{number}")).admitted
    assert len(here.limiter.local) == 50


async def test_when_the_store_is_back_it_decides_again() -> None:
    here = Setting(requests("minute", 10, 60))
    here.store.is_away = True
    assert (await here.ask()).degraded
    assert here.limiter.is_degraded
    here.store.is_away = False
    here.clock.advance(2)
    assert not (await here.ask()).degraded
    assert not here.limiter.is_degraded


# --- places that are held ---


async def test_a_held_place_is_renewed_until_the_block_ends() -> None:
    store = MemoryStore(SystemClock())
    limiter = memory_limiter(tiers(places(1, lease_s=1)), store=store, clock=SystemClock())
    decision = await limiter.reserve(WHO, "free", cost=0, kind="subscription")
    assert decision.reservation is not None
    async with limiter.hold(decision.reservation):
        await eventually(lambda: store.asked["renew"] >= 4, message="it is renewed", deadline_s=5)
        assert not (await limiter.reserve(WHO, "free", cost=0, kind="query")).admitted
    await limiter.drain()
    assert (await limiter.reserve(WHO, "free", cost=0, kind="query")).admitted


async def test_a_place_released_while_it_is_renewed_does_not_stay_taken() -> None:
    here = Setting(places(1))
    decision = await here.ask(kind="subscription")
    assert decision.reservation is not None
    renewing = asyncio.create_task(here.limiter.renew(decision.reservation))
    await asyncio.sleep(0)
    here.limiter.release(decision.reservation)
    await renewing
    await here.limiter.drain()
    assert left(await here.limiter.state(WHO, "free"))["concurrency"] == 1


# --- tiers from the store ---


async def test_following_goes_on_when_the_store_is_away_or_says_nonsense() -> None:
    here = Setting()
    outcomes: list[str] = []
    following = TierReloader(here.limiter, here.store, packaged(), poll_s=0.01, changed=outcomes.append)
    here.store.is_away = True
    await following.start()
    here.store.is_away = False
    await here.store.publish({"tiers": "[tier.free]\nminute = 1"}, counter="changes")
    await eventually(lambda: outcomes == ["refused"], message="nonsense is refused")
    assert here.limiter.tiers.plan("free", "query").policies == packaged().plan("free", "query").policies
    await here.store.publish({"tiers": None}, counter="changes")
    await eventually(lambda: outcomes == ["refused", "used"], message="the file's tiers hold")
    await following.aclose()


async def test_one_key_a_subject_whatever_the_policies() -> None:
    here = Setting()
    await here.ask()
    await here.ask(kind="introspection")
    assert list(here.store.values) == [key_of(WHO)] == ["rl:{user:cust_0001}"]
