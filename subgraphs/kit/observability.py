"""What a service says about itself: one JSON line and one count per request, and errors of last resort.

The outermost layer of every service. It gives the request an id, measures it, renders a `Problem` raised by an inner
layer and turns anything unforeseen into `internal` (logged with its traceback, never shown). Durations in seconds.
"""

import logging
import time
import uuid
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import orjson
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from subgraphs.kit.connection import ConnectionDropped
from subgraphs.kit.database import is_unavailable
from subgraphs.kit.problem import InternalError, Problem, ServiceUnavailable, render

access = logging.getLogger("subgraphs.access")
log = logging.getLogger("subgraphs")

QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


class JsonLines(logging.Formatter):
    """A log record as one line of JSON, with the platform's members; ``extra={"fields": …}`` become further ones."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        } | getattr(record, "fields", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_UTC_Z).decode()


class Metrics:
    """Counters of one service, in a registry of its own: in development eight services share a process."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        labels = ("service", "method", "route", "status")
        self._requests = Counter("http_requests_total", "Requests finished.", labels, registry=self.registry)
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Time from the first byte to the response.",
            ("service", "method", "route"),
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
            registry=self.registry,
        )

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request finished (status 0: the connection was dropped)."""
        self._requests.labels(self.service, method, route, str(status)).inc()
        self._seconds.labels(self.service, method, route).observe(seconds)

    def exposition(self) -> bytes:
        """The text format of Prometheus."""
        return generate_latest(self.registry)


class Observed:
    """Counts and logs every request, and renders the errors that got this far."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in QUIET:
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0
        headers = Headers(scope=scope)
        request_id = headers.get("x-request-id") or uuid.uuid4().hex

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", request_id.encode("latin-1")))
            await send(message)

        try:
            await self.app(scope, receive, send_observed)
        except ConnectionDropped:
            raise
        except Exception as error:
            if status:
                raise
            await render(problem_of(error), scope["path"])(scope, receive, send_observed)
        finally:
            self._record(scope, headers, request_id, status, time.perf_counter() - began)

    def _record(self, scope: Scope, headers: Headers, request_id: str, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "(none)")
        self.metrics.count(scope["method"], route, status, seconds)
        if access.isEnabledFor(logging.INFO):
            fields: MutableMapping[str, Any] = {
                "service": self.metrics.service,
                "method": scope["method"],
                "path": scope["path"],
                "route": route,
                "status": status,
                "ms": round(seconds * 1000, 2),
                "request_id": request_id,
                "trace_id": trace_id_of(headers.get("traceparent")),
            }
            access.info("request", extra={"fields": fields})


def trace_id_of(traceparent: str | None) -> str | None:
    """The trace id in a `traceparent` header (W3C Trace Context): the second of its four parts."""
    parts = (traceparent or "").split("-")
    return parts[1] if len(parts) >= 4 and len(parts[1]) == 32 else None


def problem_of(error: Exception) -> Problem:
    """The problem an exception stands for. What is not ours is logged here, once."""
    if isinstance(error, Problem):
        return error
    if is_unavailable(error):
        log.warning("the database does not answer: %s", type(error).__name__)
        return ServiceUnavailable("The database does not answer; try again.", headers={"retry-after": "1"})
    log.error("unhandled error", exc_info=error)
    return InternalError("Something went wrong here. It has been logged.")
