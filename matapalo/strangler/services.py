"""The strangler's services, joined: what the admin API and the console show and change, one set for each process.

Pages and paths only put it into words: whatever one of them can do, the other can, by the same rules.
"""

from dataclasses import dataclass
from datetime import timedelta

from redis.asyncio import Redis

from matapalo.process.clock import Clock
from matapalo.strangler.decommission.service import Decommission
from matapalo.strangler.rollout.client import Rollouts
from matapalo.strangler.rollout.snapshot_store import RedisSnapshotStore
from matapalo.strangler.settings import Settings
from matapalo.strangler.shadow.findings import Findings
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.store.hits import LegacyHits
from matapalo.strangler.store.login_codes import LoginCodes
from matapalo.strangler.store.nodes import NodeReader
from matapalo.strangler.store.routes import RouteStore
from matapalo.strangler.store.slices import Slices
from matapalo.strangler.verdict.reader import MetricsReader


@dataclass(frozen=True)
class Services:
    changes: Changes
    nodes: NodeReader
    metrics: MetricsReader
    findings: Findings
    rollouts: Rollouts
    decommission: Decommission
    login_codes: LoginCodes
    clock: Clock


def create_services(redis: Redis, store: RouteStore, settings: Settings, *, clock: Clock) -> Services:
    changes = Changes(store, upstreams=settings.upstreams, clock=clock)
    nodes = NodeReader(changes, store, clock)
    slices = Slices(redis, clock=clock, fine_s=settings.metrics_interval_s)
    findings = Findings(redis, slices, clock=clock)
    metrics = MetricsReader(slices, findings, criteria=settings.rollout_criteria, clock=clock)
    quiet = timedelta(seconds=settings.quiet_period_s)
    return Services(
        changes=changes,
        nodes=nodes,
        metrics=metrics,
        findings=findings,
        rollouts=Rollouts(
            changes,
            RedisSnapshotStore(redis),
            upstreams=settings.upstreams,
            address=settings.temporal_address,
            namespace=settings.temporal_namespace,
            check_every_s=settings.rollout_check_every_s,
            clock=clock,
        ),
        decommission=Decommission(changes, LegacyHits(redis), nodes, metrics, quiet=quiet, clock=clock),
        login_codes=LoginCodes(redis),
        clock=clock,
    )
