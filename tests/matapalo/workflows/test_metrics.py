"""The SDK's updates as Prometheus text."""

from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from temporalio.runtime import (
    BUFFERED_METRIC_KIND_COUNTER,
    BUFFERED_METRIC_KIND_GAUGE,
    BUFFERED_METRIC_KIND_HISTOGRAM,
)

from matapalo.workflows.metrics import TemporalMetrics


@dataclass
class Metric:
    name: str
    kind: Any
    description: str | None = None
    unit: str | None = None


@dataclass
class Update:
    metric: Metric
    value: float
    attributes: dict[str, str | int | float | bool] = field(default_factory=dict)


class Buffer:
    """What is left of the SDK's buffer: updates are handed out once."""

    def __init__(self, *updates: Update) -> None:
        self._updates = list(updates)

    def retrieve_updates(self) -> list[Update]:
        taken, self._updates = self._updates, []
        return taken


def exposed(*updates: Update) -> str:
    registry = CollectorRegistry()
    registry.register(TemporalMetrics(Buffer(*updates)))  # type: ignore[arg-type]
    return generate_latest(registry).decode()


def test_counters_add_up_and_gauges_keep_the_last_value():
    done = Metric("temporal_workflow_completed", BUFFERED_METRIC_KIND_COUNTER)
    slots = Metric("temporal_worker_task_slots_used", BUFFERED_METRIC_KIND_GAUGE)
    text = exposed(
        Update(done, 1, {"queue": "orders"}), Update(done, 2, {"queue": "orders"}), Update(slots, 5), Update(slots, 3)
    )
    assert 'temporal_workflow_completed_total{queue="orders"} 3.0' in text
    assert "temporal_worker_task_slots_used 3.0" in text


def test_durations_are_histograms_in_seconds():
    latency = Metric("temporal_activity_execution_latency", BUFFERED_METRIC_KIND_HISTOGRAM)
    text = exposed(
        Update(latency, 0.004, {"a": "x"}), Update(latency, 0.3, {"a": "x"}), Update(latency, 500, {"a": "x"})
    )
    assert 'temporal_activity_execution_latency_seconds_bucket{a="x",le="0.005"} 1.0' in text
    assert 'temporal_activity_execution_latency_seconds_bucket{a="x",le="+Inf"} 3.0' in text
    assert 'temporal_activity_execution_latency_seconds_sum{a="x"} 500.304' in text


def test_updates_with_other_labels_are_other_series():
    polls = Metric("temporal_num_pollers", BUFFERED_METRIC_KIND_GAUGE)
    text = exposed(Update(polls, 1, {"kind": "sticky"}), Update(polls, 2))
    assert 'temporal_num_pollers{kind="sticky"} 1.0' in text
    assert "temporal_num_pollers 2.0" in text
