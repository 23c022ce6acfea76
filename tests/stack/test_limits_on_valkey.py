"""The limiter on a real Valkey and on a real cluster: the contract, skewed clocks, memory, several processes."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from matapalo.process.clock import SystemClock
from matapalo.ratelimit.rules.bucket import MICRO, CostBucket
from matapalo.ratelimit.rules.state import State
from matapalo.ratelimit.store.ports import Store, key_of
from matapalo.ratelimit.store.redis_store import create_store
from matapalo.ratelimit.tiers import packaged
from tests.harness.limits import new_limiter
from tests.harness.limits_contract import LimiterContract
from tests.harness.limits_load import RESERVED
from tests.harness.limits_policies import remaining
from tests.harness.limits_value import encode

pytestmark = pytest.mark.stack

LOADER = "tests.harness.limits_load"
ROOT = Path(__file__).parents[2]


class TestOnValkey(LimiterContract):
    """One server holds what the contract says."""

    @pytest.fixture
    async def store(self, valkey_url: str) -> AsyncIterator[Store]:
        store = create_store(valkey_url, timeout_s=2.0)
        yield store
        await store.aclose()

    async def test_a_flushed_script_cache_is_filled_again(self, store: Store, valkey_url: str, subject: str) -> None:
        limiter = new_limiter(store, SystemClock(), timeout_s=2.0)
        async with Redis.from_url(valkey_url) as redis:
            await redis.script_flush()
            assert await self.run(limiter, subject)
            await redis.script_flush()
            decisions = await asyncio.gather(
                *(limiter.reserve(f"{subject}-{number}", "premium", cost=1, kind="query") for number in range(200))
            )
        assert all(decision.allowed and not decision.degraded for decision in decisions)

    async def test_a_subject_takes_at_most_400_bytes_whatever_its_rate(
        self, store: Store, valkey_url: str, subject: str
    ) -> None:
        limiter = new_limiter(store, SystemClock(), timeout_s=2.0)
        busy, full = f"user:busy_{len(subject)}_0123456789", f"user:full_{len(subject)}_0123456789"
        decisions = await asyncio.gather(
            *(limiter.reserve(busy, "premium", cost=3, kind="query") for _ in range(30)),
        )
        assert all(decision.reservation for decision in decisions)
        async with Redis.from_url(valkey_url) as redis:
            assert (await redis.memory_usage(key_of(busy)) or 0) <= 400
            await redis.set(key_of(full), _fullest_premium(), px=60_000)
            await limiter.reserve(full, "premium", cost=3, kind="query")  # it is read, and written
            assert (await redis.memory_usage(key_of(full)) or 0) <= 400
        assert (await limiter.state(full, "premium"))[2].remaining < 100_000


class TestOnACluster(LimiterContract):
    """Three primaries with a replica each."""

    @pytest.fixture
    async def store(self, cluster_url: str) -> AsyncIterator[Store]:
        store = create_store(cluster_url, cluster=True, timeout_s=2.0)
        yield store
        await store.aclose()

    async def test_many_subjects_in_one_turn_reach_their_nodes(self, store: Store, subject: str) -> None:
        limiter = new_limiter(store, SystemClock(), timeout_s=2.0)
        decisions = await asyncio.gather(
            *(limiter.reserve(f"{subject}-{number}", "free", cost=1, kind="query") for number in range(100))
        )
        assert all(decision.allowed and not decision.degraded for decision in decisions)


async def processes(url: str, subject: str, *, cluster: bool, skews_s: tuple[float, ...]) -> list[dict[str, Any]]:
    """Two processes that each start 500 operations of ``subject`` at once; what each reports."""
    line = (sys.executable, "-m", LOADER, url, "cluster" if cluster else "single", subject, "500")
    started = [
        await asyncio.create_subprocess_exec(
            *line, str(skew_s), cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        for skew_s in skews_s
    ]
    for process in started:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
    outputs = [await process.communicate() for process in started]
    return [json.loads(output) for output, _ in outputs]


@pytest.mark.parametrize("skews_s", [(0.0, 0.0), (-45.0, 45.0)], ids=["clocks agree", "clocks are 90 s apart"])
@pytest.mark.parametrize("engine", ["valkey_url", "cluster_url"])
async def test_two_processes_stay_within_every_limit_together(
    engine: str, skews_s: tuple[float, float], request: pytest.FixtureRequest
) -> None:
    url, is_cluster = request.getfixturevalue(engine), engine == "cluster_url"
    subject = f"user:crowd{int(is_cluster)}{int(skews_s[1])}"
    started_s = time.monotonic()
    reports = await processes(url, subject, cluster=is_cluster, skews_s=skews_s)

    assert sum(report["operations"] for report in reports) == 1000
    assert not any(report["degraded"] for report in reports)
    allowed = sum(report["allowed"] for report in reports)
    assert allowed == 60  # basic: 60 a minute; 2000 points allow 66 at 30 each
    store = create_store(url, cluster=is_cluster, timeout_s=2.0)
    limiter = new_limiter(store, SystemClock(), packaged(), timeout_s=2.0)
    left = remaining(await limiter.state(subject, "basic"))
    await limiter.aclose()
    # The 940 that were denied by the minute have charged neither the hour, nor the day, nor the points.
    assert left["minute"] == 0
    assert left["hour"] == 1000 - allowed
    assert left["day"] == 10_000 - allowed
    spent = sum(report["spent"] for report in reports)
    restored = 50 * (time.monotonic() - started_s)
    assert 2000 - allowed * RESERVED <= left["cost"] <= 2000 - spent + restored
    assert left["concurrency"] == 10
    hints = [report["shortest_hint_s"] for report in reports]
    assert all(59 - 5 < hint <= 66 for hint in hints if hint is not None)


def _fullest_premium() -> bytes:
    """A premium customer who used up everything, evenly, and holds every permit: the longest value there is."""
    now_us = int(SystemClock().now().timestamp() * 1e6) - 2_000_000
    sections = {}
    for policy in packaged().plan("premium", "query").policies:
        if isinstance(policy.rule, CostBucket):
            sections[policy.section] = [policy.limit * MICRO - 1] * 3 + [now_us - 5, now_us - 6]
        else:
            even = policy.limit // 12 if policy.shape == "window" else 2
            sections[policy.section] = [even] * (policy.rule.precision + 1)
    return encode(State(now_us, now_us - 1, sections))
