"""Every operation, once it has ended: counted, and one line in the log.

Names of free text never become labels, which would be without bound; the log carries them.
"""

from collections.abc import Container

from matapalo.graphql.pipeline import Observe, Transport
from matapalo.graphql.request import GraphQLRequest
from matapalo.telemetry.logs import Write
from matapalo.telemetry.metrics import Metrics


def observer(metrics: Metrics, names: Container[str], write: Write | None) -> Observe:
    """Count into ``metrics`` under the names that are among ``names``; log with ``write``, unless it is None."""

    def observe(
        request: GraphQLRequest, /, *, transport: Transport, outcome: str, status: int, duration_s: float
    ) -> None:
        operation = request.operation
        name = None if operation is None else operation.name
        kind = "none" if operation is None else operation.kind
        metrics.operation(
            transport=transport,
            operation="anonymous" if name is None else name if name in names else "other",
            kind=kind,
            outcome=outcome,
            seconds=duration_s,
        )
        if write is not None:
            write(
                "operation",
                {
                    "transport": transport,
                    "operation": name,
                    "kind": kind,
                    "outcome": outcome,
                    "status": status,
                    "duration_ms": round(duration_s * 1000, 2),
                    "client_name": request.client_name,
                    "client_version": request.client_version,
                },
            )

    return observe
