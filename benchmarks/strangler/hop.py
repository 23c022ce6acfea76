"""CPU per request of Envoy with our tables, and of a FastAPI + httpx proxy that decides alike, in turns."""

import sys
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from benchmarks.child import free_port, listens, running
from benchmarks.errors import BenchmarkError
from benchmarks.load import Outcome
from benchmarks.meter import cpu_s
from benchmarks.rounds import Offer
from benchmarks.strangler.gateway import Gateway, job


class Hop(NamedTuple):
    """A proxy over all rounds: requests a second, CPU of its process per request."""

    name: str
    rps: float
    cpu_us: float
    p50_us: float
    p99_us: float


def hop(gateway: Gateway, offer: Offer, *, rounds: int, seconds: float) -> list[Hop]:
    """The figures of both proxies, loaded in turns."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.contestants.proxy", str(port), str(gateway.upstream_port)]
    with running("proxy", command, folder=gateway.folder, ready=listens(port)) as proxy:
        contestants = {"Envoy": (gateway.proxy, gateway.internal_port), "FastAPI + httpx": (proxy, port)}
        measured: dict[str, list[tuple[Outcome, float]]] = {name: [] for name in contestants}
        for number in range(rounds + 1):
            for name, (process, at) in contestants.items():
                load = job(at, seconds=seconds if number else 0.5)
                before = cpu_s(process)
                outcome = offer(load)
                if outcome.fault:
                    raise BenchmarkError(f"{name}: {outcome.fault}")
                if number:  # the first round warms up
                    measured[name].append((outcome, cpu_s(process) - before))
    return [_hop(name, rounds_) for name, rounds_ in measured.items()]


def _hop(name: str, rounds: Sequence[tuple[Outcome, float]]) -> Hop:
    latencies = sorted(latency for outcome, _ in rounds for latency in outcome.latencies_us)
    return Hop(
        name,
        median(outcome.requests / outcome.elapsed_s for outcome, _ in rounds),
        median(cpu * 1e6 / outcome.requests for outcome, cpu in rounds),
        latencies[len(latencies) // 2],
        latencies[int(len(latencies) * 0.99)],
    )
