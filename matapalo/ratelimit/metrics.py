"""What the limiter counts. Labels are tiers, policies and decisions, never a subject."""

from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge

Source = Literal["store", "denial_cache", "local", "settings"]


class LimiterMetrics:
    """Counters of one process; ``registry`` is that of `matapalo.telemetry.metrics.Metrics`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._decisions = Counter(
            "ratelimit_decisions",
            "Operations decided, by tier and decision (`allowed`, or the error code).",
            ("tier", "decision"),
            registry=registry,
        )
        self._violations = Counter(
            "ratelimit_violations",
            "Policies that denied an operation, or would have in shadow mode.",
            ("tier", "policy", "mode"),
            registry=registry,
        )
        self._sources = Counter(
            "ratelimit_decision_sources",
            "Where decisions came from: `store`, `denial_cache`, `local` (the store is away), "
            "`settings` (blocked or unlimited).",
            ("source",),
            registry=registry,
        )
        self._failures = Counter(
            "ratelimit_store_failures", "Calls the store did not respond to, by reason.", ("reason",), registry=registry
        )
        points = Counter("ratelimit_points", "Cost points, by what became of them.", ("outcome",), registry=registry)
        self._reserved, self._refunded, self._under = map(points.labels, ("reserved", "refunded", "underestimated"))
        self._degraded = Gauge(
            "ratelimit_degraded", "1 while the store is away and limits are this process' own.", registry=registry
        )
        self._tier_changes = Counter(
            "ratelimit_tier_changes", "Run-time changes of the tiers, by outcome.", ("outcome",), registry=registry
        )
        # Labels are looked up once: a look-up costs more than counting.
        self._children: dict[tuple[Counter, tuple[str, ...]], Counter] = {}

    def decided(self, tier: str, decision: str, source: Source, cost: int) -> None:
        """An operation was allowed (``cost`` points are reserved) or denied."""
        self._child(self._decisions, tier, decision).inc()
        self._child(self._sources, source).inc()
        if cost:
            self._reserved.inc(cost)

    def violated(self, tier: str, policy: str, mode: str) -> None:
        """A policy would not let an operation through."""
        self._child(self._violations, tier, policy, mode).inc()

    def settled(self, refund: int, excess: int) -> None:
        """An operation ended: what it did not use, and what it used above its estimate."""
        if refund:
            self._refunded.inc(refund)
        if excess:
            self._under.inc(excess)

    def failed(self, reason: str, calls: int) -> None:
        """Calls to the store failed, or were not sent."""
        self._child(self._failures, reason).inc(max(1, calls))
        self._degraded.set(1)

    def recovered(self) -> None:
        """The store responds again."""
        self._degraded.set(0)

    def tiers_changed(self, outcome: str) -> None:
        """A change of the tiers was `applied` or `rejected`."""
        self._tier_changes.labels(outcome).inc()

    def _child(self, counter: Counter, *labels: str) -> Counter:
        child = self._children.get((counter, labels))
        if child is None:
            child = self._children[counter, labels] = counter.labels(*labels)
        return child
