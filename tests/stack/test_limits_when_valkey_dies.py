"""Valkey killed, stopped, full or emptied under load: operations go on being decided, and none waits for it."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import psutil
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from matapalo.launcher.engines import valkey
from matapalo.process.clock import SystemClock
from matapalo.ratelimit.limiter import Limiter
from matapalo.ratelimit.rules.decision import Decision
from matapalo.ratelimit.store.redis_store import LONG_IDLE_S, create_store
from tests.harness.engines import running
from tests.harness.eventually import eventually
from tests.harness.limits import new_limiter
from tests.harness.limits_policies import permits, points, requests, tiers
from tests.harness.ports import free_port

pytestmark = pytest.mark.stack

TIERS = tiers(requests("minute", 50, 60), points(10_000, 1), permits(1000))
SUBJECTS = [f"user:cust_{number:04}" for number in range(20)]


class Engine:
    """The Valkey of one test, to be killed."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._folder = folder
        self._stack = ExitStack()

    def start(self) -> None:
        command = valkey.command(port=self.port, data_dir=self._folder)
        guard = self._stack.enter_context(running(command, log=self._folder / "log"))
        self._guard = psutil.Process(guard.pid)

    def send(self, what: signal.Signals) -> None:
        """To the server itself."""
        (server,) = self._guard.children()
        server.send_signal(what)

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    engine = Engine(tmp_path)
    engine.start()
    try:
        await eventually(lambda: responds(engine), message="valkey starts")
        yield engine
    finally:
        engine.close()


async def responds(engine: Engine) -> bool:
    async with Redis.from_url(engine.url) as redis:
        try:
            return bool(await redis.ping())
        except (OSError, RedisError):
            return False


class Crowd:
    """Operations without pause, of all subjects; every decision is kept, and the longest time."""

    def __init__(self, limiter: Limiter) -> None:
        self.limiter = limiter
        self.decisions: list[tuple[str, Decision]] = []
        self.slowest_s = 0.0
        self._numbers: Iterator[int] = iter(range(10**9))

    async def operate(self) -> None:
        subject = SUBJECTS[next(self._numbers) % len(SUBJECTS)]
        started_s = time.perf_counter()
        decision = await self.limiter.reserve(subject, "free", cost=2, kind="query")
        self.slowest_s = max(self.slowest_s, time.perf_counter() - started_s)
        self.decisions.append((subject, decision))
        if decision.reservation is not None:
            self.limiter.settle(decision.reservation, 1)
        await asyncio.sleep(0.001)

    async def work(self) -> None:
        while True:
            await self.operate()

    def is_degraded(self) -> bool:
        return self.decisions[-1][1].degraded

    def degraded(self) -> list[Decision]:
        return [decision for _, decision in self.decisions if decision.degraded]

    def allowed(self, subject: str) -> int:
        return sum(decision.allowed for who, decision in self.decisions if who == subject)


@asynccontextmanager
async def crowd(engine: Engine) -> AsyncIterator[Crowd]:
    limiter = new_limiter(create_store(engine.url), SystemClock(), TIERS)
    busy = Crowd(limiter)
    workers = [asyncio.create_task(busy.work()) for _ in range(8)]
    try:
        yield busy
        assert not any(worker.done() for worker in workers)  # nothing was raised
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        await limiter.aclose()


async def test_kill_9_degrades_within_the_limits_and_recovers(engine: Engine) -> None:
    async with crowd(engine) as busy:
        await eventually(lambda: len(busy.decisions) > 200, message="the crowd works")
        assert not busy.is_degraded()
        engine.send(signal.SIGKILL)
        await eventually(lambda: len(busy.degraded()) > 2000, message="operations are decided without Valkey")
        assert not any(decision.denial == "RATE_LIMITER_UNAVAILABLE" for decision in busy.degraded())
        # Warm: what Valkey had counted is not given out again.
        assert max(busy.allowed(subject) for subject in SUBJECTS) <= 50
        engine.close()
        engine.start()
        await eventually(lambda: not busy.is_degraded(), message="the limiter is back", deadline_s=20)
        after = len(busy.decisions)
        await eventually(lambda: len(busy.decisions) > after + 100, message="the crowd works on")
        assert not any(decision.degraded for _, decision in busy.decisions[after:])


async def test_a_stopped_valkey_costs_one_timeout_and_then_nothing(engine: Engine) -> None:
    async with crowd(engine) as busy:
        await eventually(lambda: len(busy.decisions) > 200, message="the crowd works")
        busy.slowest_s = 0.0
        engine.send(signal.SIGSTOP)
        await eventually(lambda: len(busy.degraded()) > 500, message="operations are decided without Valkey")
        assert busy.slowest_s < 0.5  # 55 ms on a quiet machine
        engine.send(signal.SIGCONT)
        await eventually(lambda: not busy.is_degraded(), message="the limiter is back", deadline_s=20)


async def test_a_full_valkey_is_a_failure_like_any_other(engine: Engine) -> None:
    limiter = new_limiter(create_store(engine.url, timeout_s=1), SystemClock(), TIERS, timeout_s=1)
    async with Redis.from_url(engine.url) as redis:
        await redis.config_set("maxmemory", "1")
        decision = await limiter.reserve("user:a", "free", cost=1, kind="query")
        assert decision.allowed
        assert decision.degraded
        await redis.config_set("maxmemory", "0")
        decision = await limiter.reserve("user:a", "free", cost=1, kind="query")
        assert not decision.degraded
    await limiter.aclose()


async def test_a_restart_between_two_operations_is_not_noticed(engine: Engine) -> None:
    """A connection that was closed while idle is replaced, instead of failing the next operation."""
    limiter = new_limiter(create_store(engine.url, timeout_s=1), SystemClock(), TIERS, timeout_s=1)
    await limiter.reserve("user:b", "free", cost=1, kind="query")
    async with Redis.from_url(engine.url) as redis:
        await redis.client_kill_filter(_type="normal", skipme=True)
    loop = asyncio.get_running_loop()
    idle_until_s = loop.time() + LONG_IDLE_S
    await eventually(lambda: loop.time() > idle_until_s, message="it was idle for long")
    assert not (await limiter.reserve("user:b", "free", cost=1, kind="query")).degraded
    await limiter.aclose()
