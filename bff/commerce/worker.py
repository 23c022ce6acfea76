"""What the shop's worker runs: orders, and registrations on a queue of their own.

The only place that joins fulfilment and onboarding to REST, Redis and mail.
"""

from collections.abc import Callable, Sequence
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
from matapalo import Resources, Settings
from matapalo import create_worker as create_platform_worker


def register(resources: Resources) -> Sequence[Callable[[Client], Worker]]:
    """The workers of one process. Raises ValueError as `create_mail` does."""
    settings, pool, clock = resources.settings, resources.pool, resources.clock
    mail = create_mail(settings)
    progress = RedisProgress(settings.redis_url)
    resources.on_close(progress.aclose)
    orders = OrderActivities(services=RestServices(pool, clock), progress=progress, mail=mail)
    onboarding = OnboardingActivities(accounts=RestAccounts(pool, clock), mail=mail, secrets=settings.secrets)
    return [partial(create_worker, activities=orders), partial(create_onboarding_worker, activities=onboarding)]


def create_worker(client: Client, activities: OrderActivities, *, max_cached_workflows: int = 500) -> Worker:
    """A worker for orders. Bounded: what is over the limits waits in Temporal's queue."""
    return create_platform_worker(
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
    return create_platform_worker(
        client,
        task_queue=ONBOARDING_QUEUE,
        workflows=[OnboardCustomer],
        activities=[
            activities.create_customer,
            activities.send_email,
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
