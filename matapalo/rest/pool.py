"""The REST client of a process: one pool, bound to an identity and a deadline for each operation."""

from collections.abc import Mapping

import httpx

from matapalo.process.clock import Clock
from matapalo.rest.client import Observe, Rest
from matapalo.rest.httpx_transport import HttpxTransport
from matapalo.rest.pyreqwest_transport import PyreqwestTransport
from matapalo.rest.single_flight import InFlight
from matapalo.rest.transport import Transport
from matapalo.settings import Settings


class Fetch:
    """Lives as long as the process; `bound` makes the client of one operation."""

    def __init__(self, transport: Transport, clock: Clock, *, max_batch_ids: int, observe: Observe) -> None:
        self._transport = transport
        self._clock = clock
        self._max_batch_ids = max_batch_ids
        self._observe = observe
        self._in_flight = InFlight()

    def bound(self, *, headers: Mapping[str, str], deadline_s: float) -> Rest:
        """REST calls that carry ``headers`` (identity and forwarded ones) and end before ``deadline_s`` (monotonic)."""
        return Rest(
            self._transport,
            self._clock,
            self._in_flight,
            self._observe,
            headers=headers,
            deadline_s=deadline_s,
            max_batch_ids=self._max_batch_ids,
        )

    async def aclose(self) -> None:
        """Close the pool."""
        await self._transport.aclose()


def unobserved(*, service: str, method: str, outcome: str, seconds: float) -> None:
    """Counts nothing."""


def create_fetch(
    settings: Settings,
    clock: Clock,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    observe: Observe = unobserved,
) -> Fetch:
    """The client that ``settings`` ask for. ``transport`` (httpx's seam, for tests) takes the place of the network."""
    if transport is not None or settings.http_client == "httpx":
        chosen: Transport = HttpxTransport(settings.gateway_url, transport=transport)
    else:
        chosen = PyreqwestTransport(settings.gateway_url)
    return Fetch(chosen, clock, max_batch_ids=settings.max_batch_ids, observe=observe)
