"""Every operation, once it has ended: counted, and one line in the log.

Names of free text never become labels, which would be without bound; the log carries them.
"""

from collections.abc import Container

from matapalo.graphql.ports import Observe, Seen
from matapalo.telemetry.logs import Write
from matapalo.telemetry.metrics import Metrics


def observer(metrics: Metrics, names: Container[str], write: Write | None) -> Observe:
    """Count into ``metrics`` under the names that are among ``names``; log with ``write``, if given."""

    def observe(seen: Seen) -> None:
        operation = seen.operation
        name = None if operation is None else operation.name
        kind = "none" if operation is None else operation.kind
        metrics.operation(
            transport=seen.transport,
            operation="anonymous" if name is None else name if name in names else "other",
            kind=kind,
            outcome=seen.outcome,
            seconds=seen.duration_s,
        )
        if write is not None:
            write(
                "operation",
                {
                    "transport": seen.transport,
                    "operation": name,
                    "kind": kind,
                    "outcome": seen.outcome,
                    "status": seen.status,
                    "duration_ms": round(seen.duration_s * 1000, 2),
                    "client_name": seen.arrival.client_name,
                    "client_version": seen.arrival.client_version,
                },
            )

    return observe
