"""The gateway's worker process: carries rollouts out, and says over HTTP how it is.

The only place that joins rollouts to Redis, the table and the gates. Waits for Temporal as long as it takes; on SIGTERM
it stops polling, lets activities under way end, and leaves. HTTP on ``metrics_port``: `/healthz` (the process lives),
`/readyz` (it polls for work; 503 names what is missing), `/metrics`.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, ProcessCollector, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from matapalo.process.clock import Clock, SystemClock
from matapalo.strangler.metrics.reader import compared
from matapalo.strangler.rollout.activities import RolloutActivities
from matapalo.strangler.rollout.snapshot_store import RedisBoard
from matapalo.strangler.rollout.table import RouteTable
from matapalo.strangler.rollout.workflow import TASK_QUEUE, RollOut
from matapalo.strangler.settings import Settings
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.store.routes import RouteStore, connect

T = TypeVar("T")

logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
GRACE = timedelta(seconds=10)
STICKY_TIMEOUT = timedelta(seconds=1)
"""A worker that dies leaves its cached workflows to a queue only it reads: others take over after this."""


async def serve(settings: Settings, *, clock: Clock | None = None) -> None:
    """Run until SIGTERM or SIGINT."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    polling = asyncio.Event()
    async with AsyncExitStack() as stack:
        stopping = stack.enter_context(_signals())
        activities = await stack.enter_async_context(_activities(settings, clock or SystemClock(), registry))
        await stack.enter_async_context(_http(settings, status_app(polling, registry)))
        client = await _unless(stopping, _connected(settings))
        if client is not None:
            await _work(create_worker(client, activities), polling, stopping)


def create_worker(client: Client, activities: RolloutActivities, *, max_cached_workflows: int = 200) -> Worker:
    """A worker for rollouts. Bounded: what is over the limits waits in Temporal's queue."""
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[RollOut],
        activities=[activities.move_share, activities.ask_gates, activities.show],
        max_cached_workflows=max_cached_workflows,
        max_concurrent_workflow_tasks=20,
        max_concurrent_activities=20,
        max_concurrent_local_activities=20,
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
        graceful_shutdown_timeout=GRACE,
    )


def status_app(polling: asyncio.Event, registry: CollectorRegistry) -> Starlette:
    """`/healthz`, `/readyz`, `/metrics`. ``polling`` is set while the worker takes work."""

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        lacks = {} if polling.is_set() else {"temporal": "not connected"}
        return JSONResponse({"ready": not lacks, "lacks": lacks}, status_code=503 if lacks else 200)

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)])


@asynccontextmanager
async def _activities(
    settings: Settings, clock: Clock, registry: CollectorRegistry
) -> AsyncIterator[RolloutActivities]:
    outcomes = Counter("gateway_gate_outcomes", "What rollouts' gates said", ["route", "outcome"], registry=registry)
    store, redis = RouteStore(connect(settings.redis_url)), connect(settings.redis_url)
    changes = Changes(store, upstreams=settings.upstreams, clock=clock)
    gates = compared(redis, settings, clock).watching

    def judged(route: str, outcome: str) -> None:
        outcomes.labels(route, outcome).inc()

    try:
        yield RolloutActivities(
            table=RouteTable(changes, store, gates, clock=clock, judged=judged), board=RedisBoard(redis)
        )
    finally:
        await store.close()
        await redis.aclose()


async def _connected(settings: Settings) -> Client:
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            return await Client.connect(settings.temporal_address, namespace=settings.temporal_namespace)
        except (RPCError, RuntimeError) as error:
            logger.warning("temporal at %s is not there yet: %s", settings.temporal_address, error)
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


async def _work(worker: Worker, polling: asyncio.Event, stopping: asyncio.Event) -> None:
    running = asyncio.create_task(worker.run())
    polling.set()
    logger.info("working on task queue %s", TASK_QUEUE)
    await _first_of(stopping, running)
    polling.clear()
    if not running.done():
        await worker.shutdown()
    await running


async def _unless(stopping: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """The result of ``work``; None, and ``work`` is cancelled, when the process has to stop first."""
    task = asyncio.create_task(work)
    await _first_of(stopping, task)
    if task.done():
        return task.result()
    await _cancelled(task)
    return None


async def _first_of(stopping: asyncio.Event, task: asyncio.Task[Any]) -> None:
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait({waiting, task}, return_when=asyncio.FIRST_COMPLETED)
    await _cancelled(waiting)


async def _cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait({task})


@contextmanager
def _signals() -> Iterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        yield stopping
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: they would end the process before the worker has drained."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def _http(settings: Settings, app: Starlette) -> AsyncIterator[None]:
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.metrics_port,
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await serving
