"""The control plane's app, wired: admin API, console, status pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, ProcessCollector
from starlette.responses import Response

from matapalo.auth.keys import Keys, from_source
from matapalo.auth.tokens import Tokens
from matapalo.process.clock import Clock, SystemClock
from matapalo.process.readiness import readiness
from matapalo.process.server import status_routes
from matapalo.strangler.api import problems
from matapalo.strangler.api.operators import operators_only
from matapalo.strangler.api.router import admin_api
from matapalo.strangler.caller import TokenVerifier, key_source
from matapalo.strangler.console.site import console_routes
from matapalo.strangler.errors import GatewayError
from matapalo.strangler.services import create_services
from matapalo.strangler.settings import Settings
from matapalo.strangler.store.routes import RouteStore, connect


def control_app(settings: Settings, *, clock: Clock | None = None) -> FastAPI:
    redis = connect(settings.redis_url)
    store = RouteStore(redis)
    http = httpx.AsyncClient(timeout=2, trust_env=False)
    clock = clock or SystemClock()
    keys = Keys(from_source(key_source(settings), http), clock)
    verifier = TokenVerifier(Tokens(keys, clock, issuer=settings.jwt_issuer))
    services = create_services(redis, store, settings, clock=clock)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await store.close()
        await http.aclose()

    app = FastAPI(title="Matapalo control plane", lifespan=lifespan, docs_url=None, redoc_url=None)
    problems.install(app)
    app.include_router(admin_api(services, operators_only(verifier)))
    app.router.routes.extend(console_routes(services, verifier))

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
