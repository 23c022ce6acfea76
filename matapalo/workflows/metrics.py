"""Temporal's own metrics for our `/metrics`: slots, latencies, failures, cache, as the SDK counts them.

The SDK hands over single updates; they are summed up here. Durations are seconds. ``drain`` must be called every few
seconds (a scrape does too), or the buffer overflows and the SDK drops updates. Not the SDK's `PrometheusConfig`: that
opens a port of its own, beside the one whose `/metrics` is scraped.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from temporalio.runtime import (
    BUFFERED_METRIC_KIND_COUNTER,
    BUFFERED_METRIC_KIND_HISTOGRAM,
    BufferedMetric,
    BufferedMetricUpdate,
    MetricBuffer,
    MetricBufferDurationFormat,
)

BUFFER_SIZE = 50_000
BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0)

Labels = tuple[tuple[str, str], ...]


def create_buffer() -> MetricBuffer:
    """A buffer for `matapalo.workflows.runtime.create_runtime`."""
    return MetricBuffer(BUFFER_SIZE, MetricBufferDurationFormat.SECONDS)


@dataclass(slots=True)
class _Histogram:
    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    total: float = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(BUCKETS, value)] += 1
        self.total += value

    def cumulative(self) -> list[tuple[str, float]]:
        bounds = [*map(str, BUCKETS), "+Inf"]
        return [(bound, float(sum(self.counts[: index + 1]))) for index, bound in enumerate(bounds)]


@dataclass(slots=True)
class _Series:
    """One metric with its values by labels."""

    kind: int
    description: str
    numbers: dict[Labels, float] = field(default_factory=dict)
    histograms: dict[Labels, _Histogram] = field(default_factory=dict)

    def add(self, labels: Labels, value: float) -> None:
        if self.kind == BUFFERED_METRIC_KIND_HISTOGRAM:
            self.histograms.setdefault(labels, _Histogram()).add(value)
        elif self.kind == BUFFERED_METRIC_KIND_COUNTER:
            self.numbers[labels] = self.numbers.get(labels, 0.0) + value
        else:
            self.numbers[labels] = value


class TemporalMetrics(Collector):
    """A collector to register with a `CollectorRegistry`."""

    def __init__(self, buffer: MetricBuffer) -> None:
        self._buffer = buffer
        self._series: dict[str, _Series] = {}

    def drain(self) -> None:
        """Take over what the SDK has recorded since the last call."""
        for update in self._buffer.retrieve_updates():
            self.record(update)

    def record(self, update: BufferedMetricUpdate) -> None:
        """Add one update to its metric."""
        labels = tuple(sorted((name, str(value)) for name, value in update.attributes.items()))
        self._of(update.metric).add(labels, float(update.value))

    def describe(self) -> Iterable[Metric]:
        """No metric exists before the first update."""
        return ()

    def collect(self) -> Iterator[Metric]:
        self.drain()
        for name, series in sorted(self._series.items()):
            yield from _families(name, series)

    def _of(self, metric: BufferedMetric) -> _Series:
        name = f"{metric.name}_seconds" if metric.kind == BUFFERED_METRIC_KIND_HISTOGRAM else metric.name
        return self._series.setdefault(name, _Series(metric.kind, metric.description or metric.name))


def _families(name: str, series: _Series) -> Iterator[Metric]:
    """One family for each set of label names: the SDK leaves labels out where they do not apply."""
    labelled: Iterable[Labels] = series.histograms or series.numbers
    for names in sorted({tuple(name for name, _ in labels) for labels in labelled}):
        if series.kind == BUFFERED_METRIC_KIND_HISTOGRAM:
            histogram = HistogramMetricFamily(name, series.description, labels=names)
            for labels, recorded in series.histograms.items():
                if tuple(each for each, _ in labels) == names:
                    histogram.add_metric([value for _, value in labels], recorded.cumulative(), recorded.total)
            yield histogram
            continue
        family = CounterMetricFamily if series.kind == BUFFERED_METRIC_KIND_COUNTER else GaugeMetricFamily
        simple = family(name, series.description, labels=names)
        for labels, number in series.numbers.items():
            if tuple(each for each, _ in labels) == names:
                simple.add_metric([value for _, value in labels], number)
        yield simple
