"""Joins the capabilities and one client of a project to a BFF: the only place that knows all of them.

`/graphql` goes straight to the endpoint: no routing, no middleware. Everything else is FastAPI. The process starts and
serves reads without Redis and Temporal, which are connected to when they are first needed.

`create_app` raises `matapalo.operations.manifest.ManifestError`, `matapalo.execution.check.SchemaMismatch`,
`matapalo.ratelimit.cost.weights.CostsMissing` and `matapalo.ratelimit.tiers.TiersError`.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import strawberry
from fastapi import FastAPI
from redis.asyncio import Redis
from starlette.types import Receive, Scope, Send

from matapalo.auth.keys import Keys, from_file, from_url
from matapalo.auth.tokens import Tokens
from matapalo.auth.viewer import Viewer
from matapalo.context import Context, ContextFactory, CreateContext
from matapalo.execution.run import SchemaExecutor
from matapalo.graphql.access_log import observer
from matapalo.graphql.asgi import Endpoint
from matapalo.graphql.cors import Cors
from matapalo.graphql.graphiql_page import GraphiQLPage
from matapalo.graphql.pipeline import Guard, MakeContext, Pipeline, no_guard
from matapalo.graphql.request import GraphQLRequest
from matapalo.idempotency.keys import KeyReader
from matapalo.idempotency.records import RedisRecords
from matapalo.idempotency.runner import RETENTION, Idempotency
from matapalo.operations.document import Documents
from matapalo.operations.limits import DocumentLimits
from matapalo.operations.manifest import Entry, read
from matapalo.operations.persisted import PersistedOperations
from matapalo.process.clock import Clock, SystemClock
from matapalo.process.readiness import Dependency, accepts_connections, check
from matapalo.process.server import status_routes
from matapalo.project.declaration import Client, Project
from matapalo.project.references import resolve
from matapalo.ratelimit import tiers
from matapalo.ratelimit.api import limits_router
from matapalo.ratelimit.charge import OperationCharge
from matapalo.ratelimit.cost.operations import Costs
from matapalo.ratelimit.extension import RateLimits
from matapalo.ratelimit.guard import AddressGuard
from matapalo.ratelimit.limiter import Limiter
from matapalo.ratelimit.metrics import LimiterMetrics
from matapalo.ratelimit.store.ports import Store
from matapalo.ratelimit.store.redis_store import create_store
from matapalo.ratelimit.tier_reloader import TierReloader
from matapalo.resources import Resources, create_resources
from matapalo.settings import Settings
from matapalo.telemetry.logs import Write
from matapalo.telemetry.metrics import Metrics


class Bff(FastAPI):
    """FastAPI for health and metrics, with the endpoint in front of it at `/graphql`."""

    def __init__(self, endpoint: Endpoint, **kwargs: Any) -> None:
        super().__init__(openapi_url=None, **kwargs)
        self.endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "")
        if path == "/graphql" or path.startswith("/graphql/graphiql/"):
            await self.endpoint(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(
    settings: Settings,
    project: Project,
    client: Client,
    *,
    clock: Clock | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    limits_store: Store | None = None,
    write: Write | None = None,
) -> Bff:
    """The BFF of ``client``. ``write`` logs each operation.

    In tests ``transport`` takes the place of the network, and ``limits_store`` that of the limiter's Redis.
    """
    clock = clock or SystemClock()
    schema = build_schema(project, client)
    costs = Costs(schema)
    entries = read(client.manifest)
    operations = PersistedOperations(
        entries,
        Documents(schema, limits(settings, introspection=is_open(client, settings))),
        free_text=is_open(client, settings),
        ids_only=client.trust == "ids-only",
    )
    costs.prepare(operations.all)
    metrics = Metrics(client.name)
    limiter, reloader = create_limiter(settings, clock, metrics, limits_store, client=client)
    rate_limits = RateLimits(limiter, costs, shows_cost=settings.cost_extension)
    rate_limits.install(schema)
    http = httpx.AsyncClient(trust_env=False, transport=transport)
    keys = Keys(_key_set(settings, http), clock)
    resources = create_resources(settings, clock, observe=metrics.rest_call, transport=transport)
    idempotency = Idempotency(
        RedisRecords(settings.redis_url, lease=settings.idempotency_lease, retention=RETENTION),
        client=client.name,
        secrets=settings.secrets,
        lease=settings.idempotency_lease,
        observe=metrics.idempotent,
    )
    tokens = Tokens(keys, clock, issuer=settings.jwt_issuer, count_lookup=metrics.token_lookup)
    pipeline = Pipeline(
        authenticate=tokens.authenticate,
        find=operations.find,
        read_keys=KeyReader(schema),
        make_context=_context_maker(resources, _context_factory(project, client, resources), idempotency),
        executor=SchemaExecutor(
            schema, hide_suggestions=not is_open(client, settings), count_fallback=metrics.execution_fallback
        ),
        observe=observer(metrics, operations.names, write),
        clock=clock,
        query_deadline_s=settings.query_deadline.total_seconds(),
        mutation_deadline_s=settings.mutation_deadline.total_seconds(),
        guard=_guard(settings, clock),
        check_denial_cache=rate_limits.check_denial_cache,
        denial_statuses=settings.denial_statuses,
    )
    endpoint = Endpoint(
        pipeline,
        cors=Cors(settings.cors_origins, local=settings.is_development),
        graphiql=_graphiql(client, entries, settings),
        max_body_bytes=settings.max_body_bytes,
    )
    redis = Redis.from_url(settings.redis_url, socket_timeout=1.0)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await reloader.start()
        yield
        endpoint.end_streams()
        await reloader.aclose()
        await limiter.aclose()
        await idempotency.aclose()
        await resources.aclose()
        await redis.aclose()
        await http.aclose()

    app = Bff(endpoint, title=f"Matapalo {client.name}", lifespan=lifespan)
    ready = partial(check, _dependencies(settings, keys, http, redis))
    app.router.routes.extend(status_routes(ready, metrics.registry))
    app.include_router(limits_router(limiter, reloader, tokens.authenticate))
    return app


def build_schema(project: Project, client: Client) -> strawberry.Schema:
    """The schema of a client. Raises `ProjectError` and what the project's own function raises."""
    build = resolve(project, client.schema_, key=f"clients.{client.name}.schema")
    schema: strawberry.Schema = build()
    return schema


def is_open(client: Client, settings: Settings) -> bool:
    """Whether the client's schema may be explored and asked in free text."""
    return client.trust == "open" or (client.trust == "safelist" and settings.is_development)


def create_limiter(
    settings: Settings, clock: Clock, metrics: Metrics, store: Store | None = None, *, client: Client
) -> tuple[Limiter, TierReloader]:
    """The limiter of one process, and what keeps its tiers current. Raises `matapalo.ratelimit.tiers.TiersError`.

    A ``client`` with tiers of its own has limits of its own: they are counted and changed apart from the others'.
    """
    namespace = f"{client.name}/" if client.tiers else ""
    file = client.tiers or settings.tiers_file
    chosen = tiers.packaged() if file is None else tiers.read(file)
    store = store or create_store(settings.redis_url, cluster=settings.redis_cluster, namespace=namespace)
    counted = LimiterMetrics(metrics.registry)
    limiter = Limiter(chosen, store, clock, metrics=counted, replicas=settings.replicas, namespace=namespace)
    return limiter, TierReloader(limiter, store, chosen, on_change=counted.tiers_changed)


def _guard(settings: Settings, clock: Clock) -> Guard:
    if settings.address_requests_per_second is None:
        return no_guard
    return AddressGuard(settings.address_requests_per_second, clock).check


def limits(settings: Settings, *, introspection: bool = False) -> DocumentLimits:
    return DocumentLimits(
        tokens=settings.max_document_tokens,
        depth=settings.max_depth,
        aliases=settings.max_aliases,
        introspection=introspection,
    )


def _key_set(settings: Settings, http: httpx.AsyncClient) -> Callable[[], Any]:
    if settings.jwks_file is not None:
        return from_file(settings.jwks_file)
    if settings.jwks_url is None:
        raise ValueError("no keys to verify tokens with")  # settings refuse this before
    return from_url(settings.jwks_url, http)


def _context_factory(project: Project, client: Client, resources: Resources) -> ContextFactory:
    if client.context is None:
        return Context
    create: CreateContext = resolve(project, client.context, key=f"clients.{client.name}.context")
    return create(resources)


def _context_maker(resources: Resources, create: ContextFactory, idempotency: Idempotency) -> MakeContext:
    def make_context(request: GraphQLRequest, viewer: Viewer) -> Context:
        headers = request.forwarded_headers() | viewer.identity_headers()
        return create(
            viewer=viewer,
            request=request,
            clock=resources.clock,
            rest=resources.pool.client(headers=headers, deadline_s=request.deadline_s),
            idempotency=idempotency,
            charge=OperationCharge(),
        )

    return make_context


def _graphiql(client: Client, entries: list[Entry], settings: Settings) -> GraphiQLPage | None:
    """GraphiQL, which shows the operation of the client's first screen first."""
    if not is_open(client, settings):
        return None
    first = next((entry.body for entry in entries if entry.name == client.first_screen), "{\n  __typename\n}\n")
    return GraphiQLPage(client.name, first)


def _dependencies(settings: Settings, keys: Keys, http: httpx.AsyncClient, redis: Redis) -> list[Dependency]:
    async def gateway() -> None:
        response = await http.get(f"{settings.gateway_url}/healthz")
        if response.status_code >= 500:
            raise ConnectionError(f"it responds with {response.status_code}")

    async def token_keys() -> None:
        if not await keys.is_ready():
            raise ConnectionError("no key set could be read")

    return [
        Dependency("gateway", gateway, "no service can be asked", needed=True),
        Dependency("token keys", token_keys, "tokens cannot be verified", needed=True),
        Dependency(
            "redis",
            redis.ping,
            "limits are each process' own, repeats are slow, progress cannot be followed",
        ),
        Dependency("temporal", lambda: accepts_connections(settings.temporal_address), "workflows cannot be started"),
    ]
