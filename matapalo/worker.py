"""The worker process: runs the order and the onboarding workflow, and says over HTTP how it is.

The only place that joins fulfilment and onboarding to REST, Redis and mail. Waits for Temporal as long as it takes; on
SIGTERM it stops polling, lets activities under way end, and leaves. HTTP on ``metrics_port``: `/healthz` (the process
lives), `/readyz` (it polls for work; 503 names what is missing), `/metrics`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from temporalio.client import Client
from temporalio.worker import Worker

from bff.commerce.fulfilment.activities import OrderActivities
from bff.commerce.fulfilment.progress import RedisProgress
from bff.commerce.fulfilment.services import RestServices
from bff.commerce.fulfilment.workflow import TASK_QUEUE, FulfilOrder
from bff.commerce.mail import Mailer, Outbox, Smtp
from bff.commerce.onboarding.accounts import RestAccounts
from bff.commerce.onboarding.activities import OnboardingActivities
from bff.commerce.onboarding.workflow import TASK_QUEUE as ONBOARDING_QUEUE
from bff.commerce.onboarding.workflow import OnboardCustomer
from matapalo.process import worker as process
from matapalo.process.clock import Clock, SystemClock
from matapalo.process.server import repeating
from matapalo.process.worker import run_workers
from matapalo.rest.pool import create_pool
from matapalo.settings import Settings
from matapalo.telemetry.metrics import Metrics
from matapalo.workflows.codec import converter
from matapalo.workflows.metrics import TemporalMetrics, create_buffer
from matapalo.workflows.runtime import create_runtime

DRAIN_EVERY_S = 2.0


async def serve(settings: Settings, *, clock: Clock | None = None) -> None:
    """Run until SIGTERM or SIGINT. Raises ValueError as `create_mail` does, and whatever the worker failed with."""
    buffer = create_buffer()
    temporal = TemporalMetrics(buffer)
    metrics = Metrics("worker")
    metrics.registry.register(temporal)
    async with (
        _activities(settings, clock or SystemClock(), metrics) as (orders, onboarding),
        repeating(temporal.drain, every_s=DRAIN_EVERY_S),
    ):
        await run_workers(
            partial(
                Client.connect,
                settings.temporal_address,
                namespace=settings.temporal_namespace,
                data_converter=converter(settings.payload_keys),
                runtime=create_runtime(buffer),
            ),
            lambda client: [create_worker(client, orders), create_onboarding_worker(client, onboarding)],
            host=settings.host,
            port=settings.metrics_port,
            registry=metrics.registry,
        )


def create_worker(client: Client, activities: OrderActivities, *, max_cached_workflows: int = 500) -> Worker:
    """A worker for orders. Bounded: what is over the limits waits in Temporal's queue."""
    return process.create_worker(
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
        concurrency=50,
        max_cached_workflows=max_cached_workflows,
    )


def create_onboarding_worker(client: Client, activities: OnboardingActivities) -> Worker:
    """A worker for registrations: few and slow, on a queue of their own, so that they never wait behind orders."""
    return process.create_worker(
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
        concurrency=10,
        max_cached_workflows=100,
    )


def create_mail(settings: Settings) -> Mailer:
    """The outbox in development, SMTP otherwise. Raises ValueError naming the variable that is missing."""
    if settings.smtp_url is not None:
        return Smtp(settings.smtp_url)
    if settings.outbox_dir is None or not settings.is_development:
        raise ValueError("BFF_SMTP_URL is not set: email to customers needs a mail server (smtp://host:587)")
    return Outbox(settings.outbox_dir)


@asynccontextmanager
async def _activities(
    settings: Settings, clock: Clock, metrics: Metrics
) -> AsyncIterator[tuple[OrderActivities, OnboardingActivities]]:
    mail = create_mail(settings)
    pool = create_pool(settings, clock, observe=metrics.rest_call)
    progress = RedisProgress(settings.redis_url)
    try:
        yield (
            OrderActivities(services=RestServices(pool, clock), progress=progress, mail=mail),
            OnboardingActivities(accounts=RestAccounts(pool, clock), mail=mail, secrets=settings.secrets),
        )
    finally:
        await progress.aclose()
        await pool.aclose()
