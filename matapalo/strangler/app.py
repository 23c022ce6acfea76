"""The control plane's app, wired: admin API, console, status pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import httpx
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, ProcessCollector
from starlette.responses import Response

from matapalo.auth.key_source import key_source
from matapalo.auth.verifier import TokenVerifier, keys_of
from matapalo.process.clock import Clock, SystemClock
from matapalo.process.readiness import readiness
from matapalo.process.server import status_routes
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
from matapalo.strangler.metrics.reader import Watching, compared
from matapalo.strangler.rollout.client import Rollouts
from matapalo.strangler.rollout.snapshot_store import RedisSnapshotStore
from matapalo.strangler.settings import Settings
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.store.hits import RedisLegacyHits
from matapalo.strangler.store.routes import RedisRouteStore, connect


def control_app(settings: Settings, *, clock: Clock | None = None) -> FastAPI:
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
    """The share of the comparisons of the last day that differ."""
    same = (await watched.consistency(route, since=clock.now() - timedelta(days=1))).same_share
    return None if same is None else 1 - same
