"""Joins the capabilities and one client's schema to a BFF: the only place, beside `matapalo.worker`, that knows all
of them.

`/graphql` goes straight to the endpoint: no routing, no middleware. Everything else is FastAPI. The process starts and
serves reads without Redis and Temporal, which are connected to when they are first needed.

`create_app` raises `matapalo.operations.manifest.ManifestError`, `matapalo.execution.check.SchemaMismatch`,
`matapalo.ratelimit.cost.weights.CostsMissing` and `matapalo.ratelimit.tiers.TiersError`.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Literal

import httpx
import strawberry
from fastapi import FastAPI
from redis.asyncio import Redis
from starlette.types import Receive, Scope, Send

from bff.commerce.context import Context
from bff.commerce.fulfilment.orders import TemporalOrders
from bff.commerce.fulfilment.ports import OrderWorkflows
from bff.commerce.fulfilment.progress import ProgressReader
from bff.commerce.onboarding.ports import OnboardingWorkflows
from bff.commerce.onboarding.registrations import TemporalRegistrations
from bff.mobile import schema as mobile
from bff.web import schema as web
from matapalo.auth.keys import Keys, from_file, from_url
from matapalo.auth.tokens import Tokens
from matapalo.auth.viewer import Viewer
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
from matapalo.operations.document import Documents, Limits
from matapalo.operations.manifest import Entry, read
from matapalo.operations.persisted import PersistedOperations
from matapalo.process.clock import Clock, SystemClock
from matapalo.process.readiness import Dependency, accepts_connections, check
from matapalo.process.server import status_routes
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
from matapalo.rest.pool import RestPool, create_pool
from matapalo.settings import Settings, schema_directory
from matapalo.telemetry.logs import Write
from matapalo.telemetry.metrics import Metrics
from matapalo.workflows.client import Workflows
from matapalo.workflows.codec import converter
from matapalo.workflows.inspection import Inspector

Client = Literal["web", "mobile"]
FIRST_SCREEN: Mapping[Client, str] = {"web": "Dashboard", "mobile": "Home"}

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
    limits_store: Store | None = None,
    write: Write | None = None,
) -> Bff:
    """The BFF of ``client``. ``write`` logs each operation.

    In tests ``transport`` takes the place of the network, and ``limits_store`` that of the limiter's Redis.
    """
    clock = clock or SystemClock()
    is_open = client == "web" or settings.is_development
    schema = BUILD_SCHEMA[client]()
    costs = Costs(schema)
    entries = read(schema_directory(settings.schema_dir) / "operations" / f"{client}.manifest.json")
    operations = PersistedOperations(entries, Documents(schema, limits(settings, is_open)), free_text=is_open)
    costs.prepare(operations.all)
    metrics = Metrics(client)
    limiter, following = create_limiter(settings, clock, metrics, limits_store)
    rate_limits = RateLimits(limiter, costs, shows_cost=settings.cost_extension)
    rate_limits.install(schema)
    http = httpx.AsyncClient(trust_env=False, transport=transport)
    keys = Keys(_key_set(settings, http), clock)
    pool = create_pool(settings, clock, transport=transport, observe=metrics.rest_call)
    workflows = Workflows(
        address=settings.temporal_address,
        namespace=settings.temporal_namespace,
        converter=converter(settings.payload_keys),
        max_in_flight=settings.max_workflow_calls,
    )
    orders = TemporalOrders(
        workflows=workflows,
        progress=ProgressReader(settings.redis_url),
    )
    registrations = TemporalRegistrations(workflows=workflows, secrets=settings.secrets)
    idempotency = Idempotency(
        RedisRecords(settings.redis_url, lease=settings.idempotency_lease, retention=RETENTION),
        client=client,
        secrets=settings.secrets,
        lease=settings.idempotency_lease,
        observe=metrics.idempotent,
    )
    tokens = Tokens(keys, clock, issuer=settings.jwt_issuer, count_lookup=metrics.token_lookup)
    pipeline = Pipeline(
        authenticate=tokens.authenticate,
        find=operations.find,
        read_keys=KeyReader(schema),
        make_context=_context_factory(pool, orders, registrations, Inspector(workflows), idempotency, clock),
        executor=SchemaExecutor(schema, hide_suggestions=not is_open),
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
        graphiql=GraphiQLPage(client, _first_look(client, entries)) if is_open else None,
        max_body_bytes=settings.max_body_bytes,
    )
    redis = Redis.from_url(settings.redis_url, socket_timeout=1.0)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await following.start()
        yield
        endpoint.end_streams()
        await following.aclose()
        await limiter.aclose()
        await idempotency.aclose()
        await orders.aclose()
        await pool.aclose()
        await redis.aclose()
        await http.aclose()

    app = Bff(endpoint, title=f"Matapalo {client}", lifespan=lifespan)
    ready = partial(check, _dependencies(settings, keys, http, redis))
    app.router.routes.extend(status_routes(ready, metrics.registry))
    app.include_router(limits_router(limiter, following, tokens.authenticate))
    return app


def create_limiter(
    settings: Settings, clock: Clock, metrics: Metrics, store: Store | None = None
) -> tuple[Limiter, TierReloader]:
    """The limiter of one process, and what keeps its tiers current. Raises `matapalo.ratelimit.tiers.TiersError`."""
    chosen = tiers.packaged() if settings.tiers_file is None else tiers.read(settings.tiers_file)
    store = store or create_store(settings.redis_url, cluster=settings.redis_cluster)
    counted = LimiterMetrics(metrics.registry)
    limiter = Limiter(chosen, store, clock, metrics=counted, replicas=settings.replicas)
    return limiter, TierReloader(limiter, store, chosen, changed=counted.changed)


def _guard(settings: Settings, clock: Clock) -> Guard:
    if settings.address_requests_per_second is None:
        return no_guard
    return AddressGuard(settings.address_requests_per_second, clock).check


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


def _context_factory(
    pool: RestPool,
    orders: OrderWorkflows,
    onboarding: OnboardingWorkflows,
    inspector: Inspector,
    idempotency: Idempotency,
    clock: Clock,
) -> MakeContext:
    def make_context(request: GraphQLRequest, viewer: Viewer) -> Context:
        headers = request.forwarded_headers() | viewer.identity_headers()
        rest = pool.client(headers=headers, deadline_s=request.deadline_s)
        return Context(
            viewer=viewer,
            request=request,
            clock=clock,
            rest=rest,
            workflows=orders,
            onboarding=onboarding,
            inspector=inspector,
            idempotency=idempotency,
            charge=OperationCharge(),
        )

    return make_context


def _first_look(client: Client, entries: list[Entry]) -> str:
    """What GraphiQL shows first: the operation of the client's first screen."""
    return next((entry.body for entry in entries if entry.name == FIRST_SCREEN[client]), "{\n  __typename\n}\n")


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
        Dependency(
            "redis",
            redis.ping,
            "limits are each process' own, repeats are slow, the progress of orders cannot be followed",
        ),
        Dependency("temporal", lambda: accepts_connections(settings.temporal_address), "orders cannot be placed"),
    ]
