"""The two HTTP faces of the gateway, wired: `control_app` for operators, `agent_app` beside each Envoy.

Both: `/healthz` the process answers, `/readyz` it can do its work (503 names what it lacks), `/metrics` Prometheus.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, ProcessCollector, generate_latest

from gateway.auth.keys import key_source
from gateway.auth.tokens import TokenVerifier, keys_of
from gateway.clock import Clock, SystemClock
from gateway.control import problems
from gateway.control.api import admin_api
from gateway.dataplane.admin import EnvoyAdmin
from gateway.dataplane.agent import Agent, Status
from gateway.dataplane.folder import EnvoyFolder
from gateway.errors import GatewayError
from gateway.settings import Settings
from gateway.store.routes import RouteStore, connect


def control_app(settings: Settings, *, clock: Clock | None = None) -> FastAPI:
    """The control plane."""
    store = RouteStore(connect(settings.redis_url))
    http = httpx.AsyncClient(timeout=2, trust_env=False)
    clock = clock or SystemClock()
    keys = keys_of(key_source(settings), http=http, clock=clock)
    verifier = TokenVerifier(keys, issuer=settings.jwt_issuer, clock=clock)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await store.close()
        await http.aclose()

    app = FastAPI(title="Matapalo control plane", lifespan=lifespan, docs_url=None, redoc_url=None)
    problems.install(app)
    app.include_router(admin_api(store, verifier))

    async def lacks() -> dict[str, str]:
        try:
            document = await store.read()
        except GatewayError as error:
            return {"store": str(error)}
        return {} if document else {"routes": "the store has none yet"}

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> JSONResponse:
        return _readiness(await lacks())

    _add_health_and_metrics(app, CollectorRegistry())
    return app


def agent_app(agent: Agent, registry: CollectorRegistry) -> FastAPI:
    """The face of an agent that has begun. Its loop is run beside it (`gateway.cli`)."""
    app = FastAPI(title="Matapalo agent", docs_url=None, redoc_url=None, openapi_url=None)
    problems.install(app)

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        lacks = {} if agent.status.is_ready else {"files": "not written yet"}
        return _readiness(lacks, **_report(agent.status))

    _add_health_and_metrics(app, registry)
    return app


@asynccontextmanager
async def running_agent(settings: Settings, registry: CollectorRegistry) -> AsyncIterator[Agent]:
    """The agent of this machine's Envoy with its connections, before ``begin``."""
    store = RouteStore(connect(settings.redis_url))
    envoy = EnvoyAdmin(settings.admin_socket)
    try:
        yield Agent(
            settings,
            key_source(settings),
            store=store,
            envoy=envoy,
            folder=EnvoyFolder(settings.envoy_dir),
            clock=SystemClock(),
            on_change=agent_gauges(registry),
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


def _readiness(lacks: dict[str, str], **more: Any) -> JSONResponse:
    return JSONResponse({"ready": not lacks, "lacks": lacks, **more}, status_code=503 if lacks else 200)


def _add_health_and_metrics(app: FastAPI, registry: CollectorRegistry) -> None:
    ProcessCollector(registry=registry)

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
