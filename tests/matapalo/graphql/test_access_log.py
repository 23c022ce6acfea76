"""What is counted and logged of an operation that has ended."""

from typing import Any

from matapalo.graphql.access_log import observer
from matapalo.telemetry.metrics import Metrics
from tests.harness.asgi import post
from tests.matapalo.graphql.harness import create


async def logged(query: str) -> tuple[Metrics, list[dict[str, Any]]]:
    metrics = Metrics("web")
    lines: list[dict[str, Any]] = []
    observe = observer(metrics, {"Greeting"}, lambda _event, line: lines.append(dict(line)))
    harness = create()
    await post(harness.endpoint, {"query": query}, x_client_name="shop", x_client_version="1.2")
    [(request, transport, outcome, status)] = harness.observed
    observe(request, transport=transport, outcome=outcome, status=status, duration_s=0.0125)
    return metrics, lines


def count(metrics: Metrics, operation: str, kind: str, outcome: str) -> float | None:
    labels = {"client": "web", "transport": "http", "operation": operation, "kind": kind, "outcome": outcome}
    return metrics.registry.get_sample_value("graphql_operations_total", labels)


async def test_an_operation_is_one_line_in_the_log() -> None:
    _, lines = await logged("query Greeting { hello }")
    assert lines == [
        {
            "transport": "http",
            "operation": "Greeting",
            "kind": "query",
            "outcome": "ok",
            "status": 200,
            "duration_ms": 12.5,
            "client_name": "shop",
            "client_version": "1.2",
        }
    ]


async def test_only_names_of_the_manifest_become_labels() -> None:
    for query, operation in (("query Greeting { hello }", "Greeting"), ("query Free { hello }", "other")):
        metrics, _ = await logged(query)
        assert count(metrics, operation, "query", "ok") == 1
    metrics, _ = await logged("{ hello }")
    assert count(metrics, "anonymous", "query", "ok") == 1


async def test_a_request_that_never_became_an_operation_is_counted() -> None:
    metrics, _ = await logged("{")
    assert count(metrics, "anonymous", "none", "GRAPHQL_PARSE_FAILED") == 1
