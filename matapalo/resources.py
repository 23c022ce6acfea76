"""What lives as long as a process and is shared by all its operations or activities: a project's own parts take it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx

from matapalo.process.clock import Clock
from matapalo.rest.client import Observe
from matapalo.rest.pool import RestPool, create_pool
from matapalo.settings import Settings
from matapalo.workflows.client import Workflows
from matapalo.workflows.codec import converter


@dataclass(frozen=True, slots=True)
class Resources:
    """Of one process. ``pool`` is the pool of REST connections; ``workflows`` connects when it is first used."""

    settings: Settings
    clock: Clock
    pool: RestPool
    workflows: Workflows
    _closers: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    def on_close(self, close: Callable[[], Awaitable[None]]) -> None:
        """Have ``close`` called when the process ends, the last registered first."""
        self._closers.append(close)

    async def aclose(self) -> None:
        """Close what was registered, then the pool."""
        while self._closers:
            await self._closers.pop()()
        await self.pool.aclose()


def create_resources(
    settings: Settings, clock: Clock, *, observe: Observe, transport: httpx.AsyncBaseTransport | None = None
) -> Resources:
    """``observe`` counts REST calls; ``transport`` takes the place of the network in tests."""
    return Resources(
        settings=settings,
        clock=clock,
        pool=create_pool(settings, clock, transport=transport, observe=observe),
        workflows=Workflows(
            address=settings.temporal_address,
            namespace=settings.temporal_namespace,
            converter=converter(settings.payload_keys),
            max_in_flight=settings.max_workflow_calls,
        ),
    )
