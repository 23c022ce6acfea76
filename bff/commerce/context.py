"""What the shop's resolvers find in ``info.context`` beside the platform's own."""

from dataclasses import dataclass
from functools import partial

from bff.commerce.fulfilment.ports import OrderWorkflows
from bff.commerce.fulfilment.progress import ProgressReader
from bff.commerce.fulfilment.temporal import TemporalOrders
from bff.commerce.onboarding.ports import OnboardingWorkflows
from bff.commerce.onboarding.temporal import TemporalRegistrations
from matapalo import Context as PlatformContext
from matapalo import ContextFactory, Inspector, Resources


@dataclass(slots=True, eq=False, kw_only=True)
class Context(PlatformContext):
    """``workflows`` places orders and follows them; ``inspector`` shows workflows to operators."""

    workflows: OrderWorkflows
    onboarding: OnboardingWorkflows
    inspector: Inspector


def create_context(resources: Resources) -> ContextFactory:
    """What makes the context of each operation in one process."""
    orders = TemporalOrders(workflows=resources.workflows, progress=ProgressReader(resources.settings.redis_url))
    resources.on_close(orders.aclose)
    return partial(
        Context,
        workflows=orders,
        onboarding=TemporalRegistrations(workflows=resources.workflows, secrets=resources.settings.secrets),
        inspector=Inspector(resources.workflows),
    )
