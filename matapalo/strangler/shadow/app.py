"""The comparator over HTTP: whatever Envoy mirrors gets 202 at once, a response that nothing reads.

`/api/**` copies of requests, everything but GET is ignored. `/healthz` the process answers, `/readyz` it can compare
(503 names what is missing), `/metrics` Prometheus. Not for outside: it trusts identity headers as the internal listener
does.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from matapalo.process.clock import SystemClock
from matapalo.process.readiness import readiness
from matapalo.process.server import status_routes
from matapalo.strangler.errors import GatewayError, InvalidSettings
from matapalo.strangler.settings import Settings
from matapalo.strangler.shadow.comparator import FORWARDED_HEADERS, Comparator, Mirrored
from matapalo.strangler.shadow.findings import Findings
from matapalo.strangler.store.routes import RouteStore, connect
from matapalo.strangler.store.slices import Slices


def outcome_counter(registry: CollectorRegistry) -> Callable[[str], None]:
    description = "Mirrored requests by what came of them"
    requests = Counter("gateway_compare_requests", description, ["outcome"], registry=registry)
    return lambda outcome: requests.labels(outcome).inc()


def compare_app(comparator: Comparator, store: RouteStore, registry: CollectorRegistry) -> Starlette:
    """The comparator's app; it also runs the comparator."""
    waiting = Gauge("gateway_compare_waiting", "Mirrored requests in the queue", registry=registry)
    waiting.set_function(lambda: comparator.waiting)

    async def mirrored(request: Request) -> Response:
        if request.method == "GET":
            path = request.scope["raw_path"].decode("ascii", "replace")
            query = request.url.query
            headers = {name: request.headers[name] for name in FORWARDED_HEADERS if name in request.headers}
            comparator.take(Mirrored(f"{path}?{query}" if query else path, headers))
        return Response(status_code=202)

    async def ready() -> Response:
        try:
            return readiness({} if await store.read() else {"routes": "the store has none yet"})
        except GatewayError as error:
            return readiness({"store": str(error)})

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        work = asyncio.create_task(comparator.work())
        try:
            yield
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work

    return Starlette(
        routes=[
            *status_routes(ready, registry),
            Route("/api/{path:path}", mirrored, methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
        ],
        lifespan=lifespan,
    )


@asynccontextmanager
async def running_comparator(settings: Settings, registry: CollectorRegistry) -> AsyncIterator[Starlette]:
    """The application of this installation with its connections. Raises InvalidSettings for a bad `compare.toml`."""
    keep = kept_fields(settings.compare_file)
    ProcessCollector(registry=registry)
    clock, redis = SystemClock(), connect(settings.redis_url)
    store, slices = RouteStore(redis), Slices(redis, clock=clock, fine_s=settings.metrics_interval_s)
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False) as http:
        comparator = Comparator(
            store=store,
            findings=Findings(redis, slices, clock=clock),
            http=http,
            upstreams=settings.upstreams,
            keep=keep,
            clock=clock,
            count=outcome_counter(registry),
        )
        try:
            yield compare_app(comparator, store, registry)
        finally:
            await store.close()


def kept_fields(path: Path | None) -> Mapping[str, frozenset[str]]:
    """By route, the fields whose values may be kept in samples; none without a file."""
    if path is None:
        return {}
    try:
        tables = msgspec.toml.decode(path.read_bytes(), type=dict[str, _Kept])
    except OSError as error:
        raise InvalidSettings([f"GATEWAY_COMPARE_FILE {str(path)!r} cannot be read: {error.strerror}"]) from error
    except msgspec.DecodeError as error:
        raise InvalidSettings([f"GATEWAY_COMPARE_FILE {str(path)!r}: {error}"]) from error
    return {route: frozenset(table.keep) for route, table in tables.items()}


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    keep: list[str]
