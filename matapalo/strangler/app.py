"""The two HTTP faces of the gateway, wired: `control_app` for operators, `agent_app` beside each Envoy.

Both: `/healthz` the process answers, `/readyz` it can do its work (503 names what is missing), `/metrics` Prometheus.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

import httpx
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Gauge, ProcessCollector
from starlette.responses import Response

from matapalo.auth.key_source import key_source
from matapalo.auth.verifier import TokenVerifier, keys_of
from matapalo.process.clock import Clock, SystemClock
from matapalo.process.readiness import readiness
from matapalo.process.server import status_routes
from matapalo.strangler.agent.admin import EnvoyAdmin
from matapalo.strangler.agent.agent import Agent, Status
from matapalo.strangler.agent.folder import EnvoyFolder
from matapalo.strangler.agent.hits import HitReader
from matapalo.strangler.api import problems
from matapalo.strangler.api.operators import operators_only
from matapalo.strangler.api.rollouts import rollouts_api
from matapalo.strangler.api.router import admin_api
from matapalo.strangler.api.routes import nodes_now
from matapalo.strangler.api.traffic import watched_api
from matapalo.strangler.console.login import codes_api
from matapalo.strangler.console.login_codes import RedisCodes
from matapalo.strangler.console.site import console_routes
from matapalo.strangler.console.sources import sources_of
from matapalo.strangler.decommission.evidence import Decommission
from matapalo.strangler.errors import GatewayError
from matapalo.strangler.metrics.collector import Watcher
from matapalo.strangler.metrics.reader import Watching, compared
from matapalo.strangler.metrics.slices import Slices
from matapalo.strangler.rollout.client import Rollouts
from matapalo.strangler.rollout.snapshot_store import RedisSnapshotStore
from matapalo.strangler.settings import Settings
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.store.hits import RedisLegacyHits
from matapalo.strangler.store.routes import RedisRouteStore, connect

READ_HITS_EVERY_S = 1.0


def control_app(settings: Settings, *, clock: Clock | None = None) -> FastAPI:
    """The control plane."""
    redis = connect(settings.redis_url)
    store = RedisRouteStore(redis)
    http = httpx.AsyncClient(timeout=2, trust_env=False)
    clock = clock or SystemClock()
    keys = keys_of(key_source(settings), http=http, clock=clock)
    verifier = TokenVerifier(keys, issuer=settings.jwt_issuer, clock=clock)
    operator = operators_only(verifier)
    changes = Changes(store, upstreams=settings.upstreams, clock=clock)
    watched, findings = compared(redis, settings, clock)
    nodes = partial(nodes_now, changes, store, clock)
    decommission = Decommission(
        changes,
        RedisLegacyHits(redis),
        nodes=nodes,
        difference_rate=partial(_difference_rate, watched, clock),
        quiet=timedelta(seconds=settings.quiet_period_s),
        clock=clock,
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await store.close()
        await http.aclose()

    app = FastAPI(title="Matapalo control plane", lifespan=lifespan, docs_url=None, redoc_url=None)
    problems.install(app)
    app.include_router(admin_api(changes, store, decommission, operator, clock))
    rollouts = Rollouts(
        changes,
        RedisSnapshotStore(redis),
        upstreams=settings.upstreams,
        address=settings.temporal_address,
        namespace=settings.temporal_namespace,
        check_every_s=settings.rollout_check_every_s,
        clock=clock,
    )
    app.include_router(rollouts_api(rollouts, operator))
    app.include_router(watched_api(changes, watched, findings, operator, clock))
    codes = RedisCodes(redis)
    app.include_router(codes_api(codes, verifier))
    sources = sources_of(changes, nodes, watched, findings, rollouts, decommission, clock)
    app.router.routes.extend(console_routes(sources, codes=codes, verifier=verifier, clock=clock))

    async def ready() -> Response:
        try:
            document = await store.read()
        except GatewayError as error:
            return readiness({"store": str(error)})
        return readiness({} if document else {"routes": "the store has none yet"})

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    app.router.routes.extend(status_routes(ready, registry))
    return app


async def _difference_rate(watched: Watching, clock: Clock, route: str) -> float | None:
    """How many of the answers that were compared in the last day differ."""
    same = (await watched.consistency(route, since=clock.now() - timedelta(days=1))).same_share
    return None if same is None else 1 - same


def agent_app(agent: Agent, registry: CollectorRegistry) -> FastAPI:
    """The face of an agent that has begun. Its loops are run beside it (`matapalo.cli.gateway`)."""
    app = FastAPI(title="Matapalo agent", docs_url=None, redoc_url=None, openapi_url=None)
    problems.install(app)

    async def ready() -> Response:
        return readiness({} if agent.status.is_ready else {"files": "not written yet"}, **_report(agent.status))

    ProcessCollector(registry=registry)
    app.router.routes.extend(status_routes(ready, registry))
    return app


class AgentProcess(NamedTuple):
    """An agent, and the loops that run beside its HTTP face once it has begun."""

    agent: Agent
    loops: Sequence[Callable[[], Coroutine[None, None, None]]]


@asynccontextmanager
async def running_agent(settings: Settings, registry: CollectorRegistry) -> AsyncIterator[AgentProcess]:
    """The agent of this machine's Envoy with its connections, before ``begin``."""
    redis = connect(settings.redis_url)
    store = RedisRouteStore(redis)
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
    reader = HitReader(folder, hits=RedisLegacyHits(redis), envoy=envoy, clock=clock)
    slices = Slices(redis, clock=clock, fine_s=settings.metrics_interval_s)
    watcher = Watcher(envoy, slices, every_s=settings.metrics_interval_s, registry=registry)
    try:
        yield AgentProcess(
            agent, (agent.follow, partial(reader.follow, READ_HITS_EVERY_S, on_result=agent.note_log), watcher.follow)
        )
    finally:
        await store.close()
        await envoy.close()


def _report(status: Status) -> dict[str, Any]:
    """What an agent says about itself: what is live may lag behind what is written, and is no matter of readiness."""
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


def agent_gauges(registry: CollectorRegistry) -> Callable[[Status], None]:
    """What shows an agent's status to Prometheus, whenever it changes."""
    applied = Gauge("gateway_agent_applied_version", "Version of the routes that the files say", registry=registry)
    live = Gauge("gateway_agent_is_live", "1 when Envoy obeys everything that was written", registry=registry)
    store = Gauge("gateway_agent_store_up", "1 when the store of the routes answers", registry=registry)
    rejected = Gauge("gateway_agent_rejected_version", "Version that is not applied; 0 for none", registry=registry)

    def show(status: Status) -> None:
        applied.set(status.applied.version if status.applied else 0)
        live.set(status.is_live)
        store.set(status.store_problem is None)
        rejected.set(status.rejected_version or 0)

    return show
