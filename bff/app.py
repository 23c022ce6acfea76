"""Joins the capabilities and one client's schema to a BFF: the only place, beside `bff.worker`, that knows all of them.

`/graphql` goes straight to the endpoint: no routing, no middleware. Everything else is FastAPI. The process starts and
serves reads without Redis and Temporal, which are connected to when they are first needed.

`create_app` raises `bff.operations.manifest.ManifestError` and `bff.execution.check.SchemaMismatch`.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

import httpx
import strawberry
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from redis.asyncio import Redis
from starlette.types import Receive, Scope, Send

from bff.auth.keys import Keys, from_file, from_url
from bff.auth.tokens import Tokens
from bff.clock import Clock, SystemClock
from bff.commerce.context import Context
from bff.commerce.fulfilment.orders import TemporalOrders
from bff.commerce.fulfilment.ports import OrderWorkflows
from bff.commerce.fulfilment.progress import ProgressReader
from bff.document import Documents, Limits
from bff.endpoint.access import observer
from bff.endpoint.asgi import Endpoint, Explorer
from bff.endpoint.cors import Cors
from bff.endpoint.gates import Gates
from bff.endpoint.page import Assets
from bff.endpoint.ports import MakeContext
from bff.endpoint.request import RequestFacts
from bff.execution.run import SchemaExecutor
from bff.fetch.client import Fetch, create_fetch
from bff.health import Dependency, answers_on, check
from bff.logs import Write
from bff.metrics import CONTENT_TYPE, Metrics
from bff.mobile import schema as mobile
from bff.operations.manifest import Entry, read
from bff.operations.persisted import PersistedOperations
from bff.settings import Settings, schema_directory
from bff.viewer import Viewer
from bff.web import schema as web
from bff.workflows.client import Workflows

Client = Literal["web", "mobile"]

BUILD_SCHEMA: dict[Client, Callable[[], strawberry.Schema]] = {"web": web.build_schema, "mobile": mobile.build_schema}


class Bff(FastAPI):
    """FastAPI for health and metrics, with the endpoint in front of it at `/graphql`."""

    def __init__(self, endpoint: Endpoint, **kwargs: Any) -> None:
        super().__init__(openapi_url=None, **kwargs)
        self.endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        path: str = scope.get("path", "")
        if path == "/graphql" or path.startswith("/graphql/graphiql/"):
            await self.endpoint(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(
    settings: Settings,
    *,
    client: Client,
    clock: Clock | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    write: Write | None = None,
) -> Bff:
    """The BFF of ``client``. ``transport`` takes the place of the network (tests); ``write`` logs each operation."""
    clock = clock or SystemClock()
    is_open = client == "web" or settings.is_development
    schema = BUILD_SCHEMA[client]()
    entries = read(schema_directory(settings.schema_dir) / "operations" / f"{client}.manifest.json")
    operations = PersistedOperations(entries, Documents(schema, limits(settings, is_open)), free_text=is_open)
    metrics = Metrics(client)
    http = httpx.AsyncClient(trust_env=False, transport=transport)
    keys = Keys(_key_set(settings, http), clock)
    fetch = create_fetch(settings, clock, transport=transport, observe=metrics.rest_call)
    orders = TemporalOrders(
        workflows=Workflows(address=settings.temporal_address, namespace=settings.temporal_namespace),
        progress=ProgressReader(settings.redis_url),
        secrets=settings.secrets,
    )
    gates = Gates(
        authenticate=Tokens(keys, clock, issuer=settings.jwt_issuer, count_lookup=metrics.token_lookup).authenticate,
        find=operations.find,
        make_context=_context_factory(fetch, orders, clock),
        executor=SchemaExecutor(schema, hide_suggestions=not is_open),
        observe=observer(metrics, operations.names, write),
        clock=clock,
        query_deadline_s=settings.query_deadline.total_seconds(),
        mutation_deadline_s=settings.mutation_deadline.total_seconds(),
    )
    endpoint = Endpoint(
        gates,
        cors=Cors(settings.cors_origins, local=settings.is_development),
        explorer=Explorer(client, _first_look(entries), Assets()) if is_open else None,
        max_body_bytes=settings.max_body_bytes,
    )
    redis = Redis.from_url(settings.redis_url, socket_timeout=1.0)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        endpoint.end_streams()
        await orders.aclose()
        await fetch.aclose()
        await redis.aclose()
        await http.aclose()

    app = Bff(endpoint, title=f"Matapalo {client}", lifespan=lifespan)
    _serve_health(app, _dependencies(settings, keys, http, redis))
    _serve_metrics(app, metrics)
    return app


def limits(settings: Settings, is_open: bool) -> Limits:
    """What documents may ask for. ``is_open``: the schema may be explored."""
    return Limits(
        tokens=settings.max_document_tokens,
        depth=settings.max_depth,
        aliases=settings.max_aliases,
        introspection=is_open,
    )


def _key_set(settings: Settings, http: httpx.AsyncClient) -> Callable[[], Any]:
    if settings.jwks_file is not None:
        return from_file(settings.jwks_file)
    if settings.jwks_url is None:
        raise ValueError("no keys to verify tokens with")  # settings refuse this before
    return from_url(settings.jwks_url, http)


def _context_factory(fetch: Fetch, orders: OrderWorkflows, clock: Clock) -> MakeContext:
    def make_context(facts: RequestFacts, viewer: Viewer) -> Context:
        headers = facts.forwarded_headers() | viewer.identity_headers()
        rest = fetch.bound(headers=headers, deadline_s=facts.deadline_s)
        return Context(viewer=viewer, request=facts, clock=clock, rest=rest, workflows=orders)

    return make_context


def _first_look(entries: list[Entry]) -> str:
    """What GraphiQL shows first: the client's main operation."""
    return entries[0].body if entries else "{\n  __typename\n}\n"


def _dependencies(settings: Settings, keys: Keys, http: httpx.AsyncClient, redis: Redis) -> list[Dependency]:
    async def gateway() -> None:
        answer = await http.get(f"{settings.gateway_url}/healthz")
        if answer.status_code >= 500:
            raise ConnectionError(f"it answers {answer.status_code}")

    async def token_keys() -> None:
        if not await keys.is_ready():
            raise ConnectionError("no key set could be read")

    return [
        Dependency("gateway", gateway, "no service can be asked", needed=True),
        Dependency("token keys", token_keys, "nobody can sign in", needed=True),
        Dependency("redis", redis.ping, "the progress of orders cannot be followed"),
        Dependency("temporal", lambda: answers_on(settings.temporal_address), "orders cannot be placed"),
    ]


def _serve_health(app: FastAPI, dependencies: list[Dependency]) -> None:
    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        found = await check(dependencies)
        return JSONResponse(found.as_json(), status_code=200 if found.ready else 503)


def _serve_metrics(app: FastAPI, metrics: Metrics) -> None:
    @app.get("/metrics")
    async def expose() -> Response:
        return Response(metrics.exposition(), media_type=CONTENT_TYPE)
