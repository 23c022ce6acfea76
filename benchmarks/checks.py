"""CPU of one check, for the client and for the store, alone and with 32 in flight; and bytes of the store a subject.

Contestants run in this process, over one Valkey, in turns; CPU is this process' own (`time.process_time`) and the
store's (`INFO cpu`). Ours decides windows of a minute, an hour and a day, introspection, points and concurrency in one
call; `limits` is asked for three windows, one after the other, as it has to be; `throttled-py` for one. All use
redis-py and uvloop. The subjects are 10 000 and none is denied: a denial would be cheaper for all.
"""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any

import limits.aio.storage
import limits.aio.strategies
import throttled.asyncio
from limits import parse
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from matapalo.process.clock import SystemClock
from matapalo.ratelimit.limiter import Limiter
from matapalo.ratelimit.metrics import LimiterMetrics
from matapalo.ratelimit.store.redis_store import create_store
from matapalo.ratelimit.tiers import PACKAGED
from matapalo.ratelimit.tiers import parse as parse_tiers

SUBJECTS = 10_000
IN_FLIGHT = 32
GENEROUS = 1_000_000
MEASURED_SUBJECTS = 2_000
CHECKS_A_SUBJECT = 20

Check = Callable[[str], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Medians over rounds; the ratios are taken within each round."""

    client_us: float
    store_us: float
    of_ping: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The figures of one contestant."""

    alone: Cost
    together: Cost
    bytes_a_subject: int


class Contestants:
    """Every contestant's check by its name; PING is the floor."""

    def __init__(self, url: str) -> None:
        self.redis: Redis = Redis.from_url(
            url, socket_timeout=0.05, socket_connect_timeout=0.05, retry=Retry(NoBackoff(), 0)
        )
        self.limiter = Limiter(
            _generous_tiers(),
            create_store(url, timeout_s=1.0),
            SystemClock(),
            metrics=LimiterMetrics(CollectorRegistry()),
            timeout_s=1.0,
        )
        storage: Any = limits.aio.storage.RedisStorage(f"async+{url}", implementation="redispy")
        self._storage = storage
        self._counter = limits.aio.strategies.SlidingWindowCounterRateLimiter(storage)
        self._moving = limits.aio.strategies.MovingWindowRateLimiter(storage)
        self._items = [parse(f"{GENEROUS}/{window}") for window in ("minute", "hour", "day")]
        quota = throttled.asyncio.rate_limiter.per_day(100_000, burst=100_000)
        store: Any = throttled.asyncio.RedisStore(server=url, options={})
        self._throttled_client = store._backend.get_client()
        self._throttled = throttled.asyncio.Throttled(using="gcra", quota=quota, store=store)
        self.checks: dict[str, Check] = {
            "PING": lambda subject: self.redis.ping(),
            "ours, everything": self.reserve,
            "ours, reserve and settle": self.reserve_and_settle,
            "limits, sliding counter, 3 windows": lambda subject: self.hits(self._counter, subject),
            "limits, moving window, 3 windows": lambda subject: self.hits(self._moving, subject),
            "throttled-py, GCRA, 1 limit": lambda subject: self._throttled.limit(subject),
        }

    async def reserve(self, subject: str) -> None:
        decision = await self.limiter.reserve(subject, "premium", cost=12, kind="query")
        if not decision.allowed or decision.degraded:
            raise RuntimeError(f"the benchmark measures operations that the store allows, this is {decision}")

    async def reserve_and_settle(self, subject: str) -> None:
        decision = await self.limiter.reserve(subject, "premium", cost=12, kind="query")
        if decision.reservation is None:
            raise RuntimeError(f"the benchmark measures allowed operations, this is {decision}")
        self.limiter.settle(decision.reservation, 5)

    async def hits(self, strategy: Any, subject: str) -> None:
        for item in self._items:
            if not await strategy.hit(item, subject):
                raise RuntimeError("the benchmark measures allowed operations, limits denied one")

    async def settled(self) -> None:
        """Nothing of ours is under way."""
        await self.limiter.drain()

    async def aclose(self) -> None:
        await self.limiter.aclose()
        await self._storage.bridge.storage.aclose()
        await self._throttled_client.aclose()
        await self.redis.aclose()


async def measured(url: str, *, rounds: int, seconds: float, tell: Callable[[str], None]) -> dict[str, Checked]:
    """The figures of each contestant, by its name."""
    async with AsyncExitStack() as stack:
        all_of_them = Contestants(url)
        stack.push_async_callback(all_of_them.aclose)
        raw: dict[str, dict[int, list[tuple[float, float]]]] = {
            name: {1: [], IN_FLIGHT: []} for name in all_of_them.checks
        }
        for number in range(rounds + 1):  # the first warms up
            for name, check in all_of_them.checks.items():
                for in_flight in (1, IN_FLIGHT):
                    cost = await _round(all_of_them, check, in_flight, seconds if number else 0.2)
                    if number:
                        raw[name][in_flight].append(cost)
            tell(f"checks: round {number} of {rounds}")
        sizes = {name: await _bytes(all_of_them, check) for name, check in all_of_them.checks.items()}
    return {
        name: Checked(
            alone=_cost(rounds_of[1], raw["PING"][1]),
            together=_cost(rounds_of[IN_FLIGHT], raw["PING"][IN_FLIGHT]),
            bytes_a_subject=sizes[name],
        )
        for name, rounds_of in raw.items()
    }


async def _round(everything: Contestants, check: Check, in_flight: int, seconds: float) -> tuple[float, float]:
    """CPU µs a check: ours, the store's."""
    names: Iterator[str] = itertools.cycle(f"user:cust_{number:05}" for number in range(SUBJECTS))
    until_s = time.perf_counter() + seconds
    count = 0

    async def work() -> None:
        nonlocal count
        while time.perf_counter() < until_s:
            for _ in range(20):
                await check(next(names))
                count += 1

    store_before, before = await _store_cpu_s(everything.redis), time.process_time()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    await everything.settled()
    client = time.process_time() - before
    store = await _store_cpu_s(everything.redis) - store_before
    return client * 1e6 / count, store * 1e6 / count


async def _bytes(everything: Contestants, check: Check) -> int:
    await everything.redis.flushall()
    for number in range(MEASURED_SUBJECTS):
        await asyncio.gather(*(check(f"user:cust_{number:05}") for _ in range(CHECKS_A_SUBJECT)))
    await everything.settled()
    pipe = everything.redis.pipeline(transaction=False)
    for key in await everything.redis.keys():
        pipe.memory_usage(key)
    return sum(size or 0 for size in await pipe.execute()) // MEASURED_SUBJECTS


async def _store_cpu_s(redis: Redis) -> float:
    cpu = await redis.info("cpu")
    return float(cpu["used_cpu_sys"]) + float(cpu["used_cpu_user"])


def _cost(rounds: Sequence[tuple[float, float]], ping: Sequence[tuple[float, float]]) -> Cost:
    return Cost(
        client_us=median(client for client, _ in rounds),
        store_us=median(store for _, store in rounds),
        of_ping=median(own[0] / floor[0] for own, floor in zip(rounds, ping, strict=True)),
    )


def _generous_tiers() -> Any:
    """The packaged policies, with limits of premium that are never reached."""
    text = PACKAGED.read_text()
    head, premium = text.split("[tier.premium]")
    _, rest = premium.split("[tier.enterprise]")
    generous = (
        f"minute = {GENEROUS}\nhour = {GENEROUS}\nday = {GENEROUS}\nintrospection = {GENEROUS}\n"
        f"cost = {{ capacity = {GENEROUS}, restore_per_s = {GENEROUS} }}\nconcurrency = {GENEROUS}\n"
    )
    return parse_tiers(f"{head}[tier.premium]\n{generous}\n[tier.enterprise]{rest}")
