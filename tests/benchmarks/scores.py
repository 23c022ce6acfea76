"""Rounds and scores with the figures a test cares about, the rest harmless."""

from collections.abc import Sequence

from benchmarks.samples import Round, Score


def round_of(
    cpu_us: float, *, requests: int = 100, elapsed_s: float = 2.0, latencies_us: Sequence[int] = (1000,)
) -> Round:
    """A round whose serving process used so many microseconds a request."""
    return Round(
        requests=requests,
        elapsed_s=elapsed_s,
        latencies_us=latencies_us,
        cpu_s=cpu_us * requests / 1e6,
        envoy_cpu_s=0.01,
        services_cpu_s=0.02,
        rest_calls=8 * requests,
    )


def score_of(contestant: str, *cpu_us: float) -> Score:
    """A score with one round for each figure."""
    return Score(contestant, 1234, [round_of(one) for one in cpu_us])
