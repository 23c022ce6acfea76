"""Temporal's core in this process: one per process, its log lines in our log, its metrics where we want them."""

import logging

from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    MetricBuffer,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

LOGGER = logging.getLogger("matapalo.temporal")


def create_runtime(metrics: MetricBuffer | None = None) -> Runtime:
    """A runtime. ``metrics`` must be drained regularly (`matapalo.workflows.metrics`)."""
    forwarded = LoggingConfig(
        filter=TelemetryFilter(core_level="WARN", other_level="ERROR"), forwarding=LogForwardingConfig(logger=LOGGER)
    )
    return Runtime(telemetry=TelemetryConfig(logging=forwarded, metrics=metrics))
