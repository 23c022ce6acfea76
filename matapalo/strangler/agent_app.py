"""The process beside an Envoy, wired: agent, reader of legacy hits, metrics collector; their app and their gauges."""

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, NamedTuple

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Gauge, ProcessCollector
from starlette.responses import Response

from matapalo.process.clock import SystemClock
from matapalo.process.readiness import readiness
from matapalo.process.server import status_routes
from matapalo.strangler.agent.admin import EnvoyAdmin
from matapalo.strangler.agent.agent import Agent, AgentStatus
from matapalo.strangler.agent.folder import EnvoyFolder
from matapalo.strangler.agent.hits import HitReader
from matapalo.strangler.api import problems
from matapalo.strangler.caller import key_source
from matapalo.strangler.metrics.collector import MetricsCollector
from matapalo.strangler.settings import Settings
from matapalo.strangler.store.hits import LegacyHits
from matapalo.strangler.store.routes import RouteStore, connect
from matapalo.strangler.store.slices import Slices

READ_HITS_EVERY_S = 1.0


def agent_app(agent: Agent, registry: CollectorRegistry) -> FastAPI:
    """The status pages of an agent that has begun. Its loops are run beside it (`matapalo.cli.gateway`)."""
    app = FastAPI(title="Matapalo agent", docs_url=None, redoc_url=None, openapi_url=None)
    problems.install(app)

    async def ready() -> Response:
        return readiness({} if agent.status.is_ready else {"files": "not written yet"}, **_report(agent.status))

    ProcessCollector(registry=registry)
    app.router.routes.extend(status_routes(ready, registry))
    return app


class AgentProcess(NamedTuple):
    agent: Agent
    loops: Sequence[Callable[[], Coroutine[None, None, None]]]


@asynccontextmanager
async def running_agent(settings: Settings, registry: CollectorRegistry) -> AsyncIterator[AgentProcess]:
    """The agent of this machine's Envoy with its connections, before ``begin``."""
    redis = connect(settings.redis_url)
    store = RouteStore(redis)
    envoy = EnvoyAdmin(settings.admin_socket)
    clock = SystemClock()
    folder = EnvoyFolder(settings.envoy_dir)
    agent = Agent(
        settings,
        key_source(settings),
        store=store,
        envoy=envoy,
        folder=folder,
        clock=clock,
        on_change=agent_gauges(registry),
    )
    reader = HitReader(folder, hits=LegacyHits(redis), envoy=envoy, clock=clock)
    slices = Slices(redis, clock=clock, fine_s=settings.metrics_interval_s)
    collector = MetricsCollector(envoy, slices, every_s=settings.metrics_interval_s, registry=registry)
    try:
        read_hits = partial(reader.follow, READ_HITS_EVERY_S, on_result=agent.note_log)
        yield AgentProcess(agent, (agent.follow, read_hits, collector.run))
    finally:
        await store.close()
        await envoy.close()


def _report(status: AgentStatus) -> dict[str, Any]:
    # What is live may lag behind what is written: that is reported, and no matter of readiness.
    applied = status.applied
    return {
        "version": applied.version if applied else None,
        "applied_at": status.applied_at.isoformat() if status.applied_at else None,
        "is_live": status.is_live,
        "written": status.written,
        "live": status.live,
        "reads_log": status.reads_log,
        "store": status.store_problem or "ok",
        "envoy": status.envoy_problem or "ok",
        "rejected": (
            {"version": status.rejected_version, "problems": status.rejected_because}
            if status.rejected_version is not None
            else None
        ),
    }


def agent_gauges(registry: CollectorRegistry) -> Callable[[AgentStatus], None]:
    """A callback that sets Prometheus gauges whenever an agent's status changes."""
    applied = Gauge("gateway_agent_applied_version", "Version of the routes in the files", registry=registry)
    live = Gauge("gateway_agent_is_live", "1 when everything that was written is live in Envoy", registry=registry)
    store = Gauge("gateway_agent_store_up", "1 when the store of the routes responds", registry=registry)
    rejected = Gauge("gateway_agent_rejected_version", "Version that is not applied; 0 for none", registry=registry)

    def set_gauges(status: AgentStatus) -> None:
        applied.set(status.applied.version if status.applied else 0)
        live.set(status.is_live)
        store.set(status.store_problem is None)
        rejected.set(status.rejected_version or 0)

    return set_gauges
