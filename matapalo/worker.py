"""The worker process: runs the order and the onboarding workflow, and says over HTTP how it is.

The only place that joins fulfilment and onboarding to REST, Redis and mail. Waits for Temporal as long as it takes; on
SIGTERM it stops polling, lets activities under way end, and leaves. HTTP on ``metrics_port``: `/healthz` (the process
lives), `/readyz` (it polls for work; 503 names what is missing), `/metrics`.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from temporalio.client import Client
from temporalio.runtime import Runtime
from temporalio.service import RPCError
from temporalio.worker import Worker

from bff.commerce.fulfilment.activities import OrderActivities
from bff.commerce.fulfilment.progress import RedisProgress
from bff.commerce.fulfilment.services import RestServices
from bff.commerce.fulfilment.workflow import TASK_QUEUE, FulfilOrder
from bff.commerce.mail import Mail, Outbox, Smtp
from bff.commerce.onboarding.accounts import RestAccounts
from bff.commerce.onboarding.activities import OnboardingActivities
from bff.commerce.onboarding.workflow import TASK_QUEUE as ONBOARDING_QUEUE
from bff.commerce.onboarding.workflow import OnboardCustomer
from matapalo.process.clock import Clock, SystemClock
from matapalo.rest.pool import create_fetch
from matapalo.settings import Settings
from matapalo.telemetry.metrics import CONTENT_TYPE, Metrics
from matapalo.workflows.codec import converter
from matapalo.workflows.metrics import TemporalMetrics, create_buffer
from matapalo.workflows.runtime import create_runtime

T = TypeVar("T")

LOGGER = logging.getLogger("matapalo.worker")
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
DRAIN_EVERY_S = 2.0
GRACE = timedelta(seconds=10)

#: A worker that dies leaves its cached workflows to a queue only it reads: others take over after this.
STICKY_TIMEOUT = timedelta(seconds=1)


async def serve(settings: Settings, *, clock: Clock | None = None) -> None:
    """Run until SIGTERM or SIGINT. Raises ValueError as `create_mail` does, and whatever the worker failed with."""
    clock = clock or SystemClock()
    buffer = create_buffer()
    runtime = create_runtime(buffer)
    temporal = TemporalMetrics(buffer)
    metrics = Metrics("worker")
    metrics.registry.register(temporal)
    polling = asyncio.Event()
    async with AsyncExitStack() as stack:
        stopping = stack.enter_context(_signals())
        work = await stack.enter_async_context(_activities(settings, clock, metrics))
        await stack.enter_async_context(_http(settings, create_status_app(polling, metrics)))
        await stack.enter_async_context(_repeatedly(temporal.drain))
        client = await _unless(stopping, _connected(settings, runtime))
        if client is not None:
            orders, onboarding = work
            await _work(
                [create_worker(client, orders), create_onboarding_worker(client, onboarding)], polling, stopping
            )


def create_worker(client: Client, activities: OrderActivities, *, max_cached_workflows: int = 500) -> Worker:
    """A worker for orders. Bounded: what is over the limits waits in Temporal's queue."""
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[FulfilOrder],
        activities=[
            activities.create_order,
            activities.reserve_stock,
            activities.charge_customer,
            activities.confirm_order,
            activities.create_shipment,
            activities.mark_shipped,
            activities.notify_customer,
            activities.cancel_order,
            activities.release_stock,
            activities.refund,
            activities.publish_progress,
        ],
        max_cached_workflows=max_cached_workflows,
        max_concurrent_workflow_tasks=50,
        max_concurrent_activities=50,
        max_concurrent_local_activities=50,
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
        graceful_shutdown_timeout=GRACE,
    )


def create_onboarding_worker(client: Client, activities: OnboardingActivities) -> Worker:
    """A worker for registrations: few and slow, on a queue of their own, so that they never wait behind orders."""
    return Worker(
        client,
        task_queue=ONBOARDING_QUEUE,
        workflows=[OnboardCustomer],
        activities=[
            activities.create_customer,
            activities.write_letter,
            activities.verify_customer,
            activities.grant_welcome_credit,
            activities.expire_customer,
        ],
        max_cached_workflows=100,
        max_concurrent_workflow_tasks=10,
        max_concurrent_activities=10,
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
        graceful_shutdown_timeout=GRACE,
    )


def create_mail(settings: Settings) -> Mail:
    """The outbox in development, SMTP otherwise. Raises ValueError naming the variable that is missing."""
    if settings.smtp_url is not None:
        return Smtp(settings.smtp_url)
    if settings.outbox_dir is None or not settings.is_development:
        raise ValueError("BFF_SMTP_URL is not set: letters to customers need a mail server (smtp://host:587)")
    return Outbox(settings.outbox_dir)


@asynccontextmanager
async def _activities(
    settings: Settings, clock: Clock, metrics: Metrics
) -> AsyncIterator[tuple[OrderActivities, OnboardingActivities]]:
    mail = create_mail(settings)
    fetch = create_fetch(settings, clock, observe=metrics.rest_call)
    progress = RedisProgress(settings.redis_url)
    try:
        yield (
            OrderActivities(services=RestServices(fetch, clock), progress=progress, mail=mail),
            OnboardingActivities(accounts=RestAccounts(fetch, clock), mail=mail, secrets=settings.secrets),
        )
    finally:
        await progress.aclose()
        await fetch.aclose()


async def _connected(settings: Settings, runtime: Runtime) -> Client:
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            return await Client.connect(
                settings.temporal_address,
                namespace=settings.temporal_namespace,
                data_converter=converter(settings.payload_keys),
                runtime=runtime,
            )
        except (RPCError, RuntimeError) as error:
            LOGGER.warning("temporal at %s is not there yet: %s", settings.temporal_address, error)
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


async def _work(workers: Sequence[Worker], polling: asyncio.Event, stopping: asyncio.Event) -> None:
    """Run all of them until told to stop, or until one of them ends by itself."""
    running = [asyncio.create_task(worker.run()) for worker in workers]
    polling.set()
    LOGGER.info("working on task queues %s", ", ".join(worker.task_queue for worker in workers))
    await _first_of(stopping, *running)
    polling.clear()
    await asyncio.gather(*(one.shutdown() for one, task in zip(workers, running, strict=True) if not task.done()))
    await asyncio.gather(*running)


async def _unless(stopping: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """The result of ``work``; None, and ``work`` is cancelled, when the process has to stop first."""
    task = asyncio.create_task(work)
    await _first_of(stopping, task)
    if task.done():
        return task.result()
    await _cancelled(task)
    return None


async def _first_of(stopping: asyncio.Event, *tasks: asyncio.Task[Any]) -> None:
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait({waiting, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    await _cancelled(waiting)


async def _cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait({task})


@asynccontextmanager
async def _repeatedly(action: Callable[[], None]) -> AsyncIterator[None]:
    async def repeat() -> None:
        while True:
            await asyncio.sleep(DRAIN_EVERY_S)
            action()

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        await _cancelled(task)


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


def create_status_app(polling: asyncio.Event, metrics: Metrics) -> Starlette:
    """`/healthz`, `/readyz`, `/metrics`. ``polling`` is set while the worker takes work."""

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        ready = polling.is_set()
        found = {"ready": ready, "not_ready": [] if ready else ["temporal"]}
        return JSONResponse(found, status_code=200 if ready else 503)

    async def expose(_request: Request) -> Response:
        return Response(metrics.exposition(), media_type=CONTENT_TYPE)

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", expose)])
