"""The arithmetic of the benchmark, over values only: percentiles, what one round says, what all rounds say together.

A *round* is one stretch of load on one contestant with one workload; a *score* is all rounds of that pair. Rounds of
the contestants are interleaved, so the n-th rounds of two contestants had the same neighbours on the machine: ratios
are taken round by round and the median of them is reported. Units are in the names.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One stretch of load. The CPU times are those spent within ``elapsed_s``, all threads and children counted."""

    requests: int
    elapsed_s: float
    latencies_us: Sequence[int]
    cpu_s: float
    envoy_cpu_s: float
    services_cpu_s: float
    rest_calls: int

    @property
    def requests_per_s(self) -> float:
        return self.requests / self.elapsed_s

    @property
    def cpu_us(self) -> float:
        """CPU of the serving process for one request, microseconds."""
        return self.cpu_s * 1e6 / self.requests


@dataclass(frozen=True, slots=True)
class Score:
    """All rounds of one contestant on one workload; never empty."""

    contestant: str
    response_bytes: int
    rounds: Sequence[Round]

    @property
    def requests(self) -> int:
        """How many requests all figures rest on."""
        return sum(one.requests for one in self.rounds)

    @property
    def requests_per_s(self) -> float:
        return median(one.requests_per_s for one in self.rounds)

    @property
    def cpu_us(self) -> float:
        """The median round's CPU of the serving process per request."""
        return median(one.cpu_us for one in self.rounds)

    @property
    def envoy_cpu_us(self) -> float:
        """Envoy's CPU per request, over all rounds: its edge and the REST calls it routes."""
        return sum(one.envoy_cpu_s for one in self.rounds) * 1e6 / self.requests

    @property
    def services_cpu_us(self) -> float:
        """The services' CPU per request, over all rounds, without the database."""
        return sum(one.services_cpu_s for one in self.rounds) * 1e6 / self.requests

    @property
    def rest_calls(self) -> float:
        """REST calls that reached a service, per request."""
        return sum(one.rest_calls for one in self.rounds) / self.requests

    def latency_ms(self, percent: float) -> float:
        """A percentile over the requests of all rounds, milliseconds."""
        return percentile([us for one in self.rounds for us in one.latencies_us], percent) / 1000


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that ``percent`` of all values do not exceed (nearest rank: always one that was measured)."""
    if not values:
        raise ValueError("no values, no percentile")
    if not 0 < percent <= 100:
        raise ValueError(f"percent is {percent}: use more than 0, at most 100")
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def cpu_ratio(score: Score, other: Score) -> float:
    """How many times ``other``'s CPU per request ``score`` needs: the median over rounds run side by side."""
    return median(mine.cpu_us / theirs.cpu_us for mine, theirs in zip(score.rounds, other.rounds, strict=True))
