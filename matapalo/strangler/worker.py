"""The gateway's worker process: carries rollouts out, and says over HTTP how it is.

The only place that joins rollouts to Redis, the table and the gates. Waits for Temporal as long as it takes; on SIGTERM
it stops polling, lets activities under way end, and leaves. HTTP on ``metrics_port``: `/healthz` (the process lives),
`/readyz` (it polls for work; 503 names what is missing), `/metrics`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from prometheus_client import CollectorRegistry, Counter, ProcessCollector
from temporalio.client import Client
from temporalio.worker import Worker

from matapalo.process import worker as process
from matapalo.process.clock import Clock, SystemClock
from matapalo.process.worker import run_workers
from matapalo.strangler.rollout.activities import RolloutActivities
from matapalo.strangler.rollout.snapshot_store import RedisSnapshotStore
from matapalo.strangler.rollout.table import StoredRouteTable
from matapalo.strangler.rollout.workflow import TASK_QUEUE, RolloutWorkflow
from matapalo.strangler.settings import Settings
from matapalo.strangler.shadow.findings import Findings
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.store.routes import RouteStore, connect
from matapalo.strangler.store.slices import Slices
from matapalo.strangler.verdict.reader import MetricsReader


async def serve(settings: Settings, *, clock: Clock | None = None) -> None:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    async with _activities(settings, clock or SystemClock(), registry) as activities:
        await run_workers(
            [partial(create_worker, activities=activities)],
            host=settings.host,
            port=settings.metrics_port,
            registry=registry,
            temporal_address=settings.temporal_address,
            namespace=settings.temporal_namespace,
        )


def create_worker(client: Client, activities: RolloutActivities, *, max_cached_workflows: int = 200) -> Worker:
    """A worker for rollouts. Bounded: what is over the limits waits in Temporal's queue."""
    return process.create_worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[RolloutWorkflow],
        activities=[activities.move_share, activities.check_gates, activities.save_snapshot],
        concurrency=20,
        max_cached_workflows=max_cached_workflows,
    )


@asynccontextmanager
async def _activities(
    settings: Settings, clock: Clock, registry: CollectorRegistry
) -> AsyncIterator[RolloutActivities]:
    outcomes = Counter("gateway_gate_outcomes", "What rollouts' gates said", ["route", "outcome"], registry=registry)
    store, redis = RouteStore(connect(settings.redis_url)), connect(settings.redis_url)
    changes = Changes(store, upstreams=settings.upstreams, clock=clock)
    slices = Slices(redis, clock=clock, fine_s=settings.metrics_interval_s)
    findings = Findings(redis, slices, clock=clock)
    metrics = MetricsReader(slices, findings, criteria=settings.rollout_criteria, clock=clock)

    try:
        yield RolloutActivities(
            table=StoredRouteTable(
                changes, metrics.judge_step, clock=clock, on_verdict=lambda *verdict: outcomes.labels(*verdict).inc()
            ),
            snapshots=RedisSnapshotStore(redis),
        )
    finally:
        await store.close()
        await redis.aclose()
