"""What every store under a limiter keeps: inherited by the tests of the one in memory, of Valkey and of a cluster.

Subjects are fresh for each test, so that one store serves them all. Nothing here waits for windows to pass.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator

import pytest

from matapalo.process.clock import SystemClock
from matapalo.ratelimit.limiter import Limiter
from matapalo.ratelimit.rules.policy import Kind, Policy
from matapalo.ratelimit.store.ports import Store
from matapalo.ratelimit.tier_reloader import TierReloader
from matapalo.ratelimit.tiers import TIERS, TiersError, TierSet, packaged
from tests.harness.limits import new_limiter
from tests.harness.limits_policies import places, points, requests

POLICIES = (requests("minute", 10, 60), requests("hour", 12, 3600), points(1000, 1), places(4))
_numbers: Iterator[int] = itertools.count()


def tiers(*policies: Policy) -> TierSet:
    """The same policies for everybody."""
    return TierSet(dict.fromkeys(TIERS, policies))


def left(limiter_states: object) -> dict[str, int]:
    """What remains of each policy."""
    return {one.name: one.remaining for one in limiter_states}  # type: ignore[attr-defined]


class LimiterSuite:
    """Subclasses give the fixture ``store``."""

    @pytest.fixture
    async def limiter(self, store: Store) -> AsyncIterator[Limiter]:
        made = new_limiter(store, SystemClock(), tiers(*POLICIES), timeout_s=2.0)
        yield made
        await made.drain()

    @pytest.fixture
    def subject(self, request: pytest.FixtureRequest) -> str:
        return f"test:{request.node.name}-{next(_numbers)}"

    async def admit(self, limiter: Limiter, subject: str, cost: int = 1, kind: Kind = "query") -> bool:
        decision = await limiter.reserve(subject, "free", cost=cost, kind=kind)
        assert not decision.degraded
        if decision.reservation is not None:
            limiter.settle(decision.reservation, cost)
            await limiter.drain()
        return decision.admitted

    async def test_the_eleventh_of_ten_is_refused_with_a_hint(self, limiter: Limiter, subject: str) -> None:
        assert [await self.admit(limiter, subject) for _ in range(10)] == [True] * 10
        decision = await limiter.reserve(subject, "free", cost=1, kind="query")
        assert decision.refusal == "RATE_LIMITED"
        assert decision.violated == ("minute",)
        assert decision.retry_after_s is not None
        assert 59 < decision.retry_after_s <= 66
        assert decision.reservation is None

    async def test_refused_operations_are_never_charged(self, limiter: Limiter, subject: str) -> None:
        for _ in range(10):
            await self.admit(limiter, subject)
        before = await limiter.state(subject, "free")
        for _ in range(30):
            limiter.denials.clear()  # ask the store itself
            assert not await self.admit(limiter, subject)
        assert left(await limiter.state(subject, "free")) | {"cost": 0} == left(before) | {"cost": 0}
        assert left(before)["hour"] == 2

    async def test_concurrent_operations_get_no_more_than_the_limit(self, limiter: Limiter, subject: str) -> None:
        decided = await asyncio.gather(
            *(limiter.reserve(subject, "free", cost=1, kind="introspection") for _ in range(50)),
            *(limiter.reserve(subject, "free", cost=1, kind="query") for _ in range(50)),
        )
        assert sum(one.admitted for one in decided) == 4
        assert {one.refusal for one in decided if not one.admitted} == {"CONCURRENCY_LIMITED"}

    async def test_what_was_not_used_comes_back_once(self, limiter: Limiter, subject: str) -> None:
        decision = await limiter.reserve(subject, "free", cost=900, kind="query")
        assert decision.reservation is not None
        assert limiter.settle(decision.reservation, 100) == 800
        assert limiter.settle(decision.reservation, 100) == 0
        await limiter.drain()
        found = left(await limiter.state(subject, "free"))
        assert found["cost"] == 900
        assert found["concurrency"] == 4

    async def test_a_reservation_is_never_credited_more_than_it_took(self, limiter: Limiter, subject: str) -> None:
        await self.admit(limiter, subject, cost=500)
        decision = await limiter.reserve(subject, "free", cost=10, kind="query")
        assert decision.reservation is not None
        assert limiter.settle(decision.reservation, -1000) == 10
        await limiter.drain()
        assert left(await limiter.state(subject, "free"))["cost"] in (500, 501)

    async def test_more_than_the_bucket_holds_can_never_fit(self, limiter: Limiter, subject: str) -> None:
        decision = await limiter.reserve(subject, "free", cost=1001, kind="query")
        assert decision.refusal == "COST_TOO_EXPENSIVE"
        assert decision.retry_after_s is None
        assert left(await limiter.state(subject, "free")) == {"minute": 10, "hour": 12, "cost": 1000, "concurrency": 4}

    async def test_a_subscription_keeps_its_place_until_it_is_released(self, limiter: Limiter, subject: str) -> None:
        decision = await limiter.reserve(subject, "free", cost=5, kind="subscription")
        assert decision.reservation is not None
        limiter.settle(decision.reservation, 5)
        await limiter.drain()
        assert left(await limiter.state(subject, "free"))["concurrency"] == 3
        assert await limiter.renew(decision.reservation)
        assert left(await limiter.state(subject, "free"))["concurrency"] == 3
        limiter.release(decision.reservation)
        limiter.release(decision.reservation)
        await limiter.drain()
        assert left(await limiter.state(subject, "free"))["concurrency"] == 4

    async def test_a_reset_forgets_and_old_reservations_give_nothing_back(self, limiter: Limiter, subject: str) -> None:
        old = await limiter.reserve(subject, "free", cost=500, kind="query")
        assert await limiter.reset(subject)
        assert not await limiter.reset(subject)
        await limiter.reserve(subject, "free", cost=500, kind="query")
        assert old.reservation is not None
        limiter.settle(old.reservation, 0)
        await limiter.drain()
        found = left(await limiter.state(subject, "free"))
        assert found["cost"] == 500
        assert found["concurrency"] == 3

    async def test_who_goes_away_while_asking_is_not_charged(self, limiter: Limiter, subject: str) -> None:
        asking = asyncio.create_task(limiter.reserve(subject, "free", cost=500, kind="query"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asking.cancel()
        await limiter.drain()
        found = left(await limiter.state(subject, "free"))
        assert found["cost"] == 1000
        assert found["concurrency"] == 4

    async def test_looking_charges_nothing(self, limiter: Limiter, subject: str) -> None:
        for _ in range(3):
            await limiter.state(subject, "free")
        assert left(await limiter.state(subject, "free")) == {"minute": 10, "hour": 12, "cost": 1000, "concurrency": 4}

    async def test_tiers_change_without_a_restart_and_keep_the_counts(
        self, limiter: Limiter, store: Store, subject: str
    ) -> None:
        for _ in range(8):
            await self.admit(limiter, subject)
        text = '[policy.minute]\nshape = "window"\nwindow_s = 60\ncounts = ["query"]\n' + "".join(
            f"[tier.{name}]\nminute = 9\n" for name in TIERS
        )
        other = TierReloader(limiter, store, packaged())
        await other.change(text)
        try:
            assert [await self.admit(limiter, subject) for _ in range(2)] == [True, False]
            assert await other.current() == text
            with pytest.raises(TiersError, match="tiers:6"):
                await other.change(text.replace("minute = 9", "minute = -9", 1))
            assert await other.current() == text
        finally:
            await other.change(None)
        assert limiter.tiers.plan("free", "query").policies == packaged().plan("free", "query").policies
