"""`python -m benchmarks.limited`: the home screen of the app with and without limits, and denied, in one run.

CPU of the serving process per request, as the operating system counts it; rounds take turns, the median counts. The
two goals: the limiter adds at most a quarter to the CPU of the home screen, and a denied operation costs at most three
empty ASGI requests and one check. Exit code 1 when one is missed.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import psutil
from prometheus_client import CollectorRegistry

from benchmarks.child import free_port, listens, running
from benchmarks.errors import BenchmarkError
from benchmarks.limited import tiers
from benchmarks.load import Job, Outcome, generator
from benchmarks.meter import cpu_s
from benchmarks.workloads import WORKLOADS
from matapalo.launcher import keys
from matapalo.launcher.engines import valkey
from matapalo.launcher.keys import Role, Tier
from matapalo.process.clock import SystemClock
from matapalo.ratelimit.limiter import Limiter
from matapalo.ratelimit.metrics import LimiterMetrics
from matapalo.ratelimit.store.redis_store import create_store
from matapalo.ratelimit.tiers import read

MOST_ADDED = 0.25
MOST_EMPTY_REQUESTS = 3
CONNECTIONS = 8
Offer = Callable[[Job], Outcome]


def main() -> int:
    """The whole program; its exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.limited", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of one round of one contestant")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ExitStack() as stack:
        offer = stack.enter_context(generator())
        costs_us, check_us = measured(Path(folder), offer, stack, options.rounds, options.seconds)
    return report(costs_us, check_us)


def measured(
    folder: Path, offer: Offer, stack: ExitStack, rounds: int, seconds: float
) -> tuple[dict[str, float], float]:
    """CPU µs per request by contestant, and per check."""
    keys.create(_made(folder / "keys"))
    tiers.write(folder / "tiers.toml")
    redis_port, services_port = free_port(), free_port()
    redis_url = f"redis://127.0.0.1:{redis_port}/0"
    store = valkey.command(port=redis_port, data_dir=_made(folder / "valkey"))
    stack.enter_context(running("valkey", store, folder=folder, ready=listens(redis_port)))
    ports = {"services": services_port, "empty": free_port(), "unlimited": free_port(), "limited": free_port()}
    processes = {
        kind: stack.enter_context(_served(kind, port, services_port, redis_url, folder)) for kind, port in ports.items()
    }
    jobs = {
        "empty": ("empty", _job(ports["empty"], folder, Tier.ENTERPRISE, seconds)),
        "home without limits": ("unlimited", _job(ports["unlimited"], folder, Tier.ENTERPRISE, seconds)),
        "home with limits": ("limited", _job(ports["limited"], folder, Tier.ENTERPRISE, seconds)),
        "home denied": ("limited", _job(ports["limited"], folder, Tier.FREE, seconds)),
    }
    rows: dict[str, list[float]] = {name: [] for name in jobs}
    for number in range(rounds + 1):  # the first is not counted: caches and connections are warm afterwards
        for name, (kind, job) in jobs.items():
            spent = _round(processes[kind], offer, job)
            if number:
                rows[name].append(spent)
    check_us = asyncio.run(_check_us(redis_url, folder))
    return {name: statistics.median(spent) for name, spent in rows.items()}, check_us


def report(costs_us: dict[str, float], check_us: float) -> int:
    """Print the figures and what they mean; 1 when a goal is missed."""
    for name, spent in costs_us.items():
        print(f"{name:<22} {spent:7.0f} µs CPU a request")
    print(f"{'one check':<22} {check_us:7.0f} µs CPU ({CONNECTIONS} at a time)")
    added = costs_us["home with limits"] / costs_us["home without limits"] - 1
    most_denied = MOST_EMPTY_REQUESTS * costs_us["empty"] + check_us
    print(f"\nthe limiter adds {added:.0%} to the home screen (goal: at most {MOST_ADDED:.0%})")
    print(f"a denied one costs {costs_us['home denied']:.0f} µs (goal: at most {most_denied:.0f} µs)")
    return 0 if added <= MOST_ADDED and costs_us["home denied"] <= most_denied else 1


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder


@contextmanager
def _served(kind: str, port: int, services_port: int, redis_url: str, folder: Path) -> Iterator[psutil.Process]:
    command = [sys.executable, "-m", "benchmarks.limited.served", kind, str(port), str(services_port)]
    with running(kind, [*command, redis_url, str(folder)], folder=folder, ready=listens(port)) as process:
        yield process


def _job(port: int, folder: Path, tier: Tier, seconds: float) -> Job:
    token = keys.token(
        folder / "keys", subject="cust_0001", tier=tier, role=Role.CUSTOMER, cohort=None, lifetime=timedelta(hours=1)
    )
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json", "accept": "application/json"}
    return Job(
        port=port,
        path="/graphql",
        headers=headers,
        body=WORKLOADS["home"].body().decode(),
        expected=None,
        concurrency=CONNECTIONS,
        seconds=seconds,
        max_requests=10_000_000,
    )


def _round(process: psutil.Process, offer: Offer, job: Job) -> float:
    before = cpu_s(process)
    outcome = offer(job)
    if outcome.fault is not None:
        raise BenchmarkError(outcome.fault)
    return (cpu_s(process) - before) * 1e6 / outcome.requests


async def _check_us(redis_url: str, folder: Path, checks: int = 8_000) -> float:
    """CPU of one reserve and one settle."""
    limiter = Limiter(
        read(folder / "tiers.toml"), create_store(redis_url), SystemClock(), metrics=LimiterMetrics(CollectorRegistry())
    )

    async def check(times: int) -> None:
        for _ in range(times):
            decision = await limiter.reserve("user:cust_0002", "enterprise", cost=9, kind="query")
            if decision.reservation is None:
                raise BenchmarkError(f"a check was denied: {decision.denial}")
            limiter.settle(decision.reservation, 8)

    await check(100)
    before = time.process_time()
    await asyncio.gather(*(check(checks // CONNECTIONS) for _ in range(CONNECTIONS)))
    spent = time.process_time() - before
    await limiter.aclose()
    return spent * 1e6 / checks


if __name__ == "__main__":
    sys.exit(main())
