"""What is printed at the end, and the JSON file: tables, ratios, the verdict. Text in Markdown, to be pasted."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.platform import OURS
from benchmarks.samples import Score, cpu_ratio
from benchmarks.workloads import WORKLOADS

RIVAL = "naive"
GOAL = 1 / 3
COLUMNS = (
    "contestant",
    "requests/s",
    "p50 ms",
    "p99 ms",
    "CPU µs/request",
    "of ours",
    "Envoy µs",
    "services µs",
    "REST calls",
    "bytes",
)

Scores = Mapping[str, Mapping[str, Score]]
"""Workload → contestant → score."""


def tables(scores: Scores) -> str:
    """One table a workload."""
    parts = []
    for workload, by_contestant in scores.items():
        rows = [row(score, by_contestant[OURS]) for score in by_contestant.values()]
        parts.append(f"### {WORKLOADS[workload].title}\n\n{table(COLUMNS, rows)}")
    return "\n\n".join(parts)


def row(score: Score, ours: Score) -> tuple[str, ...]:
    """The cells of one contestant."""
    return (
        score.contestant,
        f"{score.requests_per_s:.0f}" if score.requests_per_s >= 10 else f"{score.requests_per_s:.1f}",
        f"{score.latency_ms(50):.1f}",
        f"{score.latency_ms(99):.1f}",
        f"{score.cpu_us:.0f}",
        f"{cpu_ratio(score, ours):.2f}",
        f"{score.envoy_cpu_us:.0f}",
        f"{score.services_cpu_us:.0f}",
        f"{score.rest_calls:.1f}",
        f"{score.response_bytes}",
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table: the first column to the left, the figures after it to the right."""
    grid = Table(box=box.MARKDOWN)
    for index, name in enumerate(header):
        grid.add_column(name, justify="right" if index else "left", no_wrap=True)
    for cells in rows:
        grid.add_row(*cells)
    console = Console(width=240, markup=False, color_system=None)
    with console.capture() as capture:
        console.print(grid)
    return "\n".join(line.rstrip() for line in capture.get().splitlines() if line.strip())


def shares(scores: Scores) -> dict[str, float]:
    """For each workload, how much of the naive stack's CPU ours needs."""
    return {
        workload: cpu_ratio(by_contestant[OURS], by_contestant[RIVAL]) for workload, by_contestant in scores.items()
    }


def is_met(scores: Scores) -> bool:
    """Whether ours stays within the goal on every workload measured."""
    return all(share <= GOAL for share in shares(scores).values())


def verdict(scores: Scores) -> str:
    """Whether the goal is met, in one sentence."""
    parts = ", ".join(f"{share:.2f} on {workload}" for workload, share in shares(scores).items())
    return f"ours needs of the naive stack's CPU: {parts} (goal ≤ 1/3: {'met' if is_met(scores) else 'MISSED'})"


def as_json(scores: Scores) -> dict[str, Any]:
    """Everything that was measured; of the latencies only percentiles, for they are thousands."""
    return {
        "goal": {"share_of_naive_cpu": GOAL, "is_met": is_met(scores), "shares": shares(scores)},
        "workloads": {
            workload: {name: _score_as_json(score, by_contestant[OURS]) for name, score in by_contestant.items()}
            for workload, by_contestant in scores.items()
        },
    }


def _score_as_json(score: Score, ours: Score) -> dict[str, Any]:
    return {
        "requests": score.requests,
        "requests_per_s": score.requests_per_s,
        "latency_ms": {f"p{percent}": score.latency_ms(percent) for percent in (50, 90, 99)},
        "cpu_us_per_request": score.cpu_us,
        "cpu_ratio_to_ours": cpu_ratio(score, ours),
        "envoy_cpu_us_per_request": score.envoy_cpu_us,
        "services_cpu_us_per_request": score.services_cpu_us,
        "rest_calls_per_request": score.rest_calls,
        "response_bytes": score.response_bytes,
        "rounds": [
            {name: value for name, value in dataclasses.asdict(measured).items() if name != "latencies_us"}
            for measured in score.rounds
        ],
    }
