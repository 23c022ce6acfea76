"""Each defect of a limiter as one would first write it (a log in a sorted set, a bucket in a hash, three calls one
after the other), as a claim about ours. The docstrings say what the first writing did, as measured on Valkey.

Defects of the HTTP side (identity behind a proxy, aliases, free paths, WebSockets) are in test_extension.py,
rules/test_subject.py and test_guard.py.
"""

import asyncio
import time

import pytest

from benchmarks.traffic import NOON, S
from matapalo.ratelimit.metrics import LimiterMetrics
from matapalo.ratelimit.rules.policy import plan
from matapalo.ratelimit.rules.state import State, reserve
from matapalo.ratelimit.tiers import TiersError, packaged, parse
from tests.harness.clock import FakeClock
from tests.harness.limits import SUBJECT, LimiterHarness, memory_limiter
from tests.harness.limits_policies import points, remaining, requests, tiers
from tests.harness.limits_value import lifetime_us


async def test_01_a_client_a_little_over_its_limit_is_not_locked_out() -> None:
    """12 requests a minute against 10: denied ones were logged, too, so 10 of 720 got through in an hour."""
    harness = LimiterHarness(requests("minute", 10, 60))
    allowed = 0
    for _ in range(720):
        allowed += (await harness.reserve()).allowed
        harness.clock.advance(5)
    assert allowed >= 540


async def test_02_requests_of_one_instant_all_count() -> None:
    """The time was the member of the set: 100 requests of one instant, limit 10, were 100 allowed."""
    harness = LimiterHarness(requests("minute", 10, 60))
    decisions = await asyncio.gather(*(harness.reserve() for _ in range(100)))
    assert sum(decision.allowed for decision in decisions) == 10


async def test_03_servers_whose_clocks_disagree_count_together() -> None:
    """The client's clock: 200 requests over two servers 90 s apart, limit 10, were 20 allowed."""
    harness, clock = LimiterHarness(requests("minute", 10, 60)), FakeClock()
    clock.advance(90)
    other = memory_limiter(harness.limiter.tiers, store=harness.store, clock=clock)
    decisions = [
        await (other if number % 2 else harness.limiter).reserve(SUBJECT, "free", cost=1, kind="query")
        for number in range(200)
    ]
    assert sum(decision.allowed for decision in decisions) == 10


async def test_04_what_is_kept_does_not_grow_with_traffic() -> None:
    """One member a request, denied ones included: 2.29 MB a user after 10 000."""
    harness = LimiterHarness(*packaged().tiers["premium"])
    await harness.reserve()
    small = len(harness.store.values["rl:{user:cust_0001}"])
    for _ in range(1000):
        await harness.reserve()
    assert len(harness.store.values["rl:{user:cust_0001}"]) <= small + 60


async def test_05_a_denial_never_says_to_come_back_at_once() -> None:
    """A second call, and int(): `retry_after_seconds: 0` on a denial. And ours is what really lets through."""
    harness = LimiterHarness(requests("second", 1, 1))
    await harness.reserve()
    denied = await harness.reserve()
    assert denied.retry_after_s is not None
    assert denied.retry_after_s > 0
    harness.clock.advance(denied.retry_after_s)
    assert (await harness.reserve()).allowed


async def test_06_the_reset_is_when_something_comes_back() -> None:
    """Always now + window."""
    harness = LimiterHarness(requests("minute", 10, 60))
    assert (await harness.reserve()).policies[0].reset_s == pytest.approx(66)
    harness.clock.advance(50)
    assert (await harness.reserve()).policies[0].reset_s == pytest.approx(16)


def test_07_nonsense_is_rejected_when_the_process_starts() -> None:
    """Limits and windows were not looked at."""
    for wrong in ("window_s = 0", "window_s = -60"):
        with pytest.raises(TiersError, match="window_s"):
            parse(TOML.replace("window_s = 60", wrong))


async def test_08_concurrent_operations_do_not_spend_the_same_points() -> None:
    """Read, compute, write: capacity 10, 200 at once, 200 allowed."""
    harness = LimiterHarness(points(10, 1))
    decisions = await asyncio.gather(*(harness.reserve() for _ in range(200)))
    assert sum(decision.allowed for decision in decisions) == 10


async def test_09_what_was_written_is_found_again() -> None:
    """With decoded responses the field was never found and the bucket always full: 100 of 100 allowed."""
    harness = LimiterHarness(points(10, 1))
    assert sum([(await harness.reserve()).allowed for _ in range(100)]) == 10


def test_10_a_clock_that_goes_back_neither_takes_nor_gives() -> None:
    """A negative time removed points and gave them back twice."""
    query = plan((points(100, 10),), "query")
    result, state = reserve(query, None, NOON, 60)
    for step_us in (-10 * S, 0, -10 * S, 0):
        result, state = reserve(query, state, NOON + step_us, 1)
    assert result.remaining[0] == 36
    result, _ = reserve(query, state, NOON + S, 0)
    assert result.remaining[0] == 46


def test_11_a_state_lives_until_it_is_as_good_as_new() -> None:
    """A fixed 3600 s: a bucket that needs longer was full after an hour. And a crash could leave a key for ever."""
    slow = points(10_000, 1)
    _, state = reserve(plan((slow,), "query"), None, NOON, 9_000)
    assert isinstance(state, State)
    assert lifetime_us(state, (slow,)) == 9_000 * S


async def test_12_a_bucket_says_when_a_dear_operation_fits() -> None:
    """int(0.5 s) was 0, the cost was ignored, a rate of 0 divided by it."""
    harness = LimiterHarness(points(100, 2))
    await harness.reserve(cost=100)
    assert (await harness.reserve(cost=1)).retry_after_s == pytest.approx(0.5)
    assert (await harness.reserve(cost=80)).retry_after_s == pytest.approx(40)


def test_13_every_tier_has_a_cost_bucket() -> None:
    """There was one, and no tier used it."""
    assert all(any(policy.shape == "cost" for policy in policies) for policies in packaged().tiers.values())


async def test_14_what_the_minute_denies_is_not_charged_to_the_day() -> None:
    """Three calls one after the other: after 150 quick ones 10 were allowed, and the hour was gone."""
    harness = LimiterHarness(requests("minute", 10, 60), requests("hour", 150, 3600), requests("day", 1000, 86_400))
    for _ in range(150):
        await harness.reserve()
        harness.limiter.denial_cache.clear()
    assert remaining(await harness.limiter.state(SUBJECT, "free")) == {"minute": 0, "hour": 140, "day": 990}
    assert harness.store.calls["reserve"] == 151  # one call each, whatever the number of limits


async def test_15_the_wait_is_the_longest_of_all_that_deny() -> None:
    """Only the first one that denied was told."""
    harness = LimiterHarness(requests("minute", 1, 60), requests("hour", 1, 3600))
    await harness.reserve()
    denied = await harness.reserve()
    assert denied.violated == ("minute", "hour")
    assert denied.retry_after_s is not None
    assert denied.retry_after_s > 3000


async def test_16_nothing_is_not_the_same_as_unlimited() -> None:
    """`if limit:` made 0 unlimited; all zeros were a ValueError."""
    harness = LimiterHarness(requests("minute", 0, 60), requests("hour", 0, 3600))
    denied = await harness.reserve()
    assert not denied.allowed
    assert denied.violated == ("minute", "hour")
    assert denied.tightest is not None
    assert denied.tightest.remaining == 0


async def test_17_an_unknown_tier_is_an_error_and_the_best_has_caps() -> None:
    """It silently became free under its own name; enterprise had no cap at all."""
    harness = LimiterHarness(requests("minute", 1, 60))
    with pytest.raises(KeyError):
        await harness.limiter.reserve(SUBJECT, "platinum", cost=1, kind="query")
    assert {policy.shape for policy in packaged().tiers["enterprise"]} >= {"cost", "concurrency"}


async def test_18_an_address_is_no_id_and_one_key_is_one_slot() -> None:
    """`user:{id}` for both, and three keys in three slots."""
    harness = LimiterHarness(requests("minute", 1, 60), requests("hour", 5, 3600))
    assert (await harness.reserve(subject="user:10.0.0.1")).allowed
    assert (await harness.reserve(subject="ip:10.0.0.1")).allowed
    assert sorted(harness.store.values) == ["rl:{ip:10.0.0.1}", "rl:{user:10.0.0.1}"]


async def test_19_another_tier_keeps_what_was_used() -> None:
    """Counts went on under limits that were built in, or were lost."""
    harness = LimiterHarness(requests("minute", 10, 60))
    for _ in range(6):
        await harness.reserve()
    harness.limiter.use(tiers(requests("minute", 60, 60)))
    assert (await harness.reserve()).policies[0].remaining == 53


async def test_20_an_allowed_operation_tells_limit_rest_and_reset() -> None:
    """`X-RateLimit-Limit: unlimited` for free users, and no reset."""
    harness = LimiterHarness(*packaged().tiers["free"])
    tightest = (await harness.reserve()).tightest
    assert tightest is not None
    assert (tightest.limit, tightest.remaining) == (10, 9)
    assert 0 < tightest.reset_s <= 66


async def test_21_without_the_store_there_is_no_error_and_no_wait() -> None:
    """An exception, so 500 for all, after 3.2 s of retries."""
    harness = LimiterHarness(requests("minute", 10, 60))
    harness.store.is_away = True
    started_s = time.perf_counter()
    decisions = [await harness.reserve() for _ in range(20)]
    assert time.perf_counter() - started_s < 1
    assert sum(decision.allowed for decision in decisions) == 10


async def test_22_to_25_an_operation_is_charged_by_what_it_asks_for() -> None:
    """One HTTP request was one request, with 100 aliases, or as 50 in a batch."""
    harness = LimiterHarness(points(100, 1))
    assert (await harness.reserve(cost=90)).allowed
    assert not (await harness.reserve(cost=90)).allowed


def test_26_there_are_metrics_without_names_and_a_dry_run() -> None:
    """There was nothing to see, and no way to try a limit out."""
    assert "subject" not in LimiterMetrics.decided.__code__.co_varnames
    shadowed = parse(TOML.replace('counts = ["query"]', 'counts = ["query"]\nmode = "shadow"'))
    assert all(policy.shadow for policy in shadowed.tiers["free"])


TOML = '[policy.minute]\nshape = "window"\nwindow_s = 60\ncounts = ["query"]\n' + "".join(
    f"[tier.{name}]\nminute = 1\n" for name in ("anonymous", "free", "basic", "premium", "enterprise")
)
