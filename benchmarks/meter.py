"""What a round costs: CPU of processes as the operating system counts it, REST calls as the services count them.

The operating system counts CPU in ticks (10 ms on Linux), so a round should last a second or more.
"""

from collections.abc import Callable
from dataclasses import dataclass

import httpx
import psutil

from benchmarks.errors import BenchmarkError
from benchmarks.load import Outcome
from benchmarks.samples import Round

COUNTER = "http_requests_total{"
COUNTED_ROUTES = 'route="/api/'


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredProcesses:
    """The processes that a round's CPU is read from, and the ports of the services whose requests are counted."""

    serving: psutil.Process
    envoy: psutil.Process
    services: psutil.Process
    service_ports: tuple[int, ...]

    def cpu_s(self) -> tuple[float, float, float]:
        """CPU seconds so far: serving process, Envoy, services."""
        return cpu_s(self.serving), cpu_s(self.envoy), cpu_s(self.services)

    def rest_calls(self) -> int:
        """REST calls that reached the services so far."""
        return sum(rest_calls(scrape(port)) for port in self.service_ports)


def measure(processes: MeasuredProcesses, offer_load: Callable[[], Outcome]) -> Round:
    """One round. The services are asked for their counts outside of the time whose CPU is charged."""
    calls_before = processes.rest_calls()
    before = processes.cpu_s()
    outcome = offer_load()
    serving, envoy, services = (later - earlier for later, earlier in zip(processes.cpu_s(), before, strict=True))
    return Round(
        requests=outcome.requests,
        elapsed_s=outcome.elapsed_s,
        latencies_us=outcome.latencies_us,
        cpu_s=serving,
        envoy_cpu_s=envoy,
        services_cpu_s=services,
        rest_calls=processes.rest_calls() - calls_before,
    )


def cpu_s(process: psutil.Process) -> float:
    """User and system time of a process, its threads and its children, ended ones included. Raises BenchmarkError."""
    try:
        return sum(sum(member.cpu_times()[:4]) for member in (process, *process.children(recursive=True)))
    except psutil.NoSuchProcess as error:
        raise BenchmarkError(f"a process that is measured has ended (pid {error.pid})") from error


def scrape(port: int) -> str:
    """A service's metrics in Prometheus' text format."""
    response = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10, trust_env=False)
    return response.raise_for_status().text


def rest_calls(metrics: str) -> int:
    """How many requests to `/api/**` the text counts; health checks and scrapes are no REST calls."""
    counted = (line for line in metrics.splitlines() if line.startswith(COUNTER) and COUNTED_ROUTES in line)
    return sum(int(float(line.rpartition(" ")[2])) for line in counted)
