"""What a BFF process counts, in the Prometheus format. One registry per process, handed to what counts.

Label values are bounded: operation names are those of the manifest (`other` for free text, `anonymous` without a name),
outcomes are `ok` and the error codes, services are those of the route table.
"""

from prometheus_client import CollectorRegistry, Counter, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The counters and histograms of one process. ``registry`` takes further collectors."""

    def __init__(self, client: str) -> None:
        self.registry = CollectorRegistry()
        self._client = client
        self._operations = Counter(
            "graphql_operations",
            "Operations that ended, and requests that never became one (kind `none`).",
            ("client", "transport", "operation", "kind", "outcome"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "graphql_operation_duration_seconds",
            "From a request to its response; for a stream, to its end.",
            ("client", "transport", "operation", "kind"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._rest_calls = Counter(
            "rest_calls", "HTTP calls to services.", ("service", "method", "outcome"), registry=self.registry
        )
        self._rest_seconds = Histogram(
            "rest_call_duration_seconds",
            "How long HTTP calls to services took.",
            ("service", "method"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        tokens = Counter(
            "token_lookups", "Bearer tokens, by whether they were cached.", ("cached",), registry=self.registry
        )
        self._tokens = {True: tokens.labels("yes"), False: tokens.labels("no")}
        self._idempotency = Counter(
            "idempotency_attempts",
            "What became of mutations under a key: begun, resumed, replayed, in_progress, conflict, degraded, …",
            ("client", "field", "outcome"),
            registry=self.registry,
        )
        self._fallbacks = Counter(
            "execution_fallbacks",
            "Selections of projections that graphql-core executed, by what was not as the model says.",
            ("client", "reason"),
            registry=self.registry,
        )
        # Looking a child up by its labels costs more than counting; their number is bounded, so they are kept.
        self._children: dict[tuple[str, str, str, str], tuple[Counter, Histogram]] = {}

    def operation(self, *, transport: str, operation: str, kind: str, outcome: str, seconds: float) -> None:
        key = (transport, operation, kind, outcome)
        children = self._children.get(key)
        if children is None:
            children = self._children[key] = (
                self._operations.labels(self._client, *key),
                self._seconds.labels(self._client, transport, operation, kind),
            )
        count, duration = children
        count.inc()
        duration.observe(seconds)

    def rest_call(self, *, service: str, method: str, outcome: str, seconds: float) -> None:
        self._rest_calls.labels(service, method, outcome).inc()
        self._rest_seconds.labels(service, method).observe(seconds)

    def idempotent(self, field: str, outcome: str) -> None:
        """A mutation under a key has been begun, replayed or refused."""
        self._idempotency.labels(self._client, field, outcome).inc()

    def execution_fallback(self, reason: str) -> None:
        """Rows were not as their model says, and graphql-core executed them."""
        self._fallbacks.labels(self._client, reason).inc()

    def token_lookup(self, is_cached: bool) -> None:
        """A token was looked up among the verified ones."""
        self._tokens[is_cached].inc()
