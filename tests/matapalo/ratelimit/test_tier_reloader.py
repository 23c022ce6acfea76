"""The tier reloader: what the store says of tiers and resets takes effect in every process."""

from matapalo.ratelimit.tier_reloader import TierReloader
from matapalo.ratelimit.tiers import packaged
from tests.harness.eventually import eventually
from tests.harness.limits import SUBJECT, LimiterHarness, memory_limiter
from tests.harness.limits_policies import requests


async def test_a_reset_by_another_process_takes_effect() -> None:
    harness = LimiterHarness(requests("minute", 1, 60))
    reloader = TierReloader(harness.limiter, harness.store, harness.limiter.tiers)
    await reloader.refresh()
    other = memory_limiter(harness.limiter.tiers, store=harness.store, clock=harness.clock)
    assert await harness.allowed(2) == 1
    await other.reset(SUBJECT)
    await reloader.refresh()
    assert await harness.allowed(2) == 1


async def test_reloading_goes_on_when_the_store_is_away_or_wrong() -> None:
    harness = LimiterHarness()
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
