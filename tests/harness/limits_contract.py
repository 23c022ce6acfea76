"""What a limiter keeps on every store: inherited by the tests of the one in memory, of Valkey and of a cluster.

Subjects are fresh for each test, so that one store serves them all. Nothing here waits for windows to pass.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator

import pytest

from matapalo.process.clock import SystemClock
from matapalo.ratelimit.limiter import Limiter
from matapalo.ratelimit.rules.policy import Kind
from matapalo.ratelimit.store.ports import Store
from matapalo.ratelimit.tier_reloader import TierReloader
from matapalo.ratelimit.tiers import TIERS, TiersError, packaged
from tests.harness.limits import new_limiter
from tests.harness.limits_policies import permits, points, remaining, requests, tiers

POLICIES = (requests("minute", 10, 60), requests("hour", 12, 3600), points(1000, 1), permits(4))
UNUSED = {"minute": 10, "hour": 12, "cost": 1000, "concurrency": 4}
UNUSED = {"minute": 10, "hour": 12, "cost": 1000, "concurrency": 4}
_numbers: Iterator[int] = itertools.count()


class LimiterContract:
    """Subclasses give the fixture ``store``."""

    @pytest.fixture
    async def limiter(self, store: Store) -> AsyncIterator[Limiter]:
        limiter = new_limiter(store, SystemClock(), tiers(*POLICIES), timeout_s=2.0)
        yield limiter
        await limiter.drain()

    @pytest.fixture
    def subject(self, request: pytest.FixtureRequest) -> str:
        return f"test:{request.node.name}-{next(_numbers)}"

    async def run(self, limiter: Limiter, subject: str, cost: int = 1, kind: Kind = "query") -> bool:
        decision = await limiter.reserve(subject, "free", cost=cost, kind=kind)
        assert not decision.degraded
        if decision.reservation is not None:
            limiter.settle(decision.reservation, cost)
            await limiter.drain()
        return decision.allowed

    async def test_the_eleventh_of_ten_is_denied_with_a_hint(self, limiter: Limiter, subject: str) -> None:
        assert [await self.run(limiter, subject) for _ in range(10)] == [True] * 10
        decision = await limiter.reserve(subject, "free", cost=1, kind="query")
        assert decision.denial == "RATE_LIMITED"
        assert decision.violated == ("minute",)
        assert decision.retry_after_s is not None
        assert 59 < decision.retry_after_s <= 66
        assert decision.reservation is None

    async def test_denied_operations_are_never_charged(self, limiter: Limiter, subject: str) -> None:
        for _ in range(10):
            await self.run(limiter, subject)
        before = await limiter.state(subject, "free")
        for _ in range(30):
            limiter.denial_cache.clear()  # so that the store decides
            assert not await self.run(limiter, subject)
        assert remaining(await limiter.state(subject, "free")) | {"cost": 0} == remaining(before) | {"cost": 0}
        assert remaining(before)["hour"] == 2

    async def test_concurrent_operations_get_no_more_than_the_limit(self, limiter: Limiter, subject: str) -> None:
        decisions = await asyncio.gather(
            *(limiter.reserve(subject, "free", cost=1, kind="introspection") for _ in range(50)),
            *(limiter.reserve(subject, "free", cost=1, kind="query") for _ in range(50)),
        )
        assert sum(decision.allowed for decision in decisions) == 4
        assert {decision.denial for decision in decisions if not decision.allowed} == {"CONCURRENCY_LIMITED"}

    async def test_what_was_not_used_comes_back_once(self, limiter: Limiter, subject: str) -> None:
        decision = await limiter.reserve(subject, "free", cost=900, kind="query")
        assert decision.reservation is not None
        assert limiter.settle(decision.reservation, 100) == 800
        assert limiter.settle(decision.reservation, 100) == 0
        await limiter.drain()
        left = remaining(await limiter.state(subject, "free"))
        assert left["cost"] == 900
        assert left["concurrency"] == 4

    async def test_a_reservation_is_never_credited_more_than_it_took(self, limiter: Limiter, subject: str) -> None:
        await self.run(limiter, subject, cost=500)
        decision = await limiter.reserve(subject, "free", cost=10, kind="query")
        assert decision.reservation is not None
        assert limiter.settle(decision.reservation, -1000) == 10
        await limiter.drain()
        assert remaining(await limiter.state(subject, "free"))["cost"] in (500, 501)

    async def test_more_than_the_bucket_holds_can_never_fit(self, limiter: Limiter, subject: str) -> None:
        decision = await limiter.reserve(subject, "free", cost=1001, kind="query")
        assert decision.denial == "COST_TOO_EXPENSIVE"
        assert decision.retry_after_s is None
        assert remaining(await limiter.state(subject, "free")) == UNUSED

    async def test_a_subscription_keeps_its_permit_until_it_is_released(self, limiter: Limiter, subject: str) -> None:
        decision = await limiter.reserve(subject, "free", cost=5, kind="subscription")
        assert decision.reservation is not None
        limiter.settle(decision.reservation, 5)
        await limiter.drain()
        assert remaining(await limiter.state(subject, "free"))["concurrency"] == 3
        assert await limiter.renew(decision.reservation)
        assert remaining(await limiter.state(subject, "free"))["concurrency"] == 3
        limiter.release(decision.reservation)
        limiter.release(decision.reservation)
        await limiter.drain()
        assert remaining(await limiter.state(subject, "free"))["concurrency"] == 4

    async def test_what_was_taken_before_a_reset_is_not_given_back(self, limiter: Limiter, subject: str) -> None:
        old = await limiter.reserve(subject, "free", cost=500, kind="query")
        assert await limiter.reset(subject)
        assert not await limiter.reset(subject)
        await limiter.reserve(subject, "free", cost=500, kind="query")
        assert old.reservation is not None
        limiter.settle(old.reservation, 0)
        await limiter.drain()
        left = remaining(await limiter.state(subject, "free"))
        assert left["cost"] == 500
        assert left["concurrency"] == 3

    async def test_a_caller_that_is_cancelled_is_not_charged(self, limiter: Limiter, subject: str) -> None:
        waiting = asyncio.create_task(limiter.reserve(subject, "free", cost=500, kind="query"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.cancel()
        await limiter.drain()
        left = remaining(await limiter.state(subject, "free"))
        assert left["cost"] == 1000
        assert left["concurrency"] == 4

    async def test_reading_the_state_charges_nothing(self, limiter: Limiter, subject: str) -> None:
        for _ in range(3):
            await limiter.state(subject, "free")
        assert remaining(await limiter.state(subject, "free")) == UNUSED

    async def test_tiers_change_without_a_restart_and_keep_the_counts(
        self, limiter: Limiter, store: Store, subject: str
    ) -> None:
        for _ in range(8):
            await self.run(limiter, subject)
        text = '[policy.minute]\nshape = "window"\nwindow_s = 60\ncounts = ["query"]\n' + "".join(
            f"[tier.{name}]\nminute = 9\n" for name in TIERS
        )
        reloader = TierReloader(limiter, store, packaged())
        await reloader.change(text)
        try:
            assert [await self.run(limiter, subject) for _ in range(2)] == [True, False]
            with pytest.raises(TiersError, match="tiers:6"):
                await reloader.change(text.replace("minute = 9", "minute = -9", 1))
            assert await store.fields("tiers") == [text.encode()]
        finally:
            await reloader.change(None)
        assert limiter.tiers.plan("free", "query").policies == packaged().plan("free", "query").policies
