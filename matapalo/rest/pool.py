"""The connection pool of a process, and the REST client it makes for each operation."""

from collections.abc import Mapping

import httpx

from matapalo.process.clock import Clock
from matapalo.rest.client import Observe, Outcome, RestClient
from matapalo.rest.httpx_transport import HttpxTransport
from matapalo.rest.pyreqwest_transport import PyreqwestTransport
from matapalo.rest.single_flight import SingleFlight
from matapalo.rest.transport import Transport
from matapalo.settings import Settings


class RestPool:
    """Lives as long as the process, with its connections and its calls in flight."""

    def __init__(self, transport: Transport, clock: Clock, *, max_batch_ids: int, observe: Observe) -> None:
        self._transport = transport
        self._clock = clock
        self._max_batch_ids = max_batch_ids
        self._observe = observe
        self._in_flight = SingleFlight()

    def client(self, *, headers: Mapping[str, str], deadline_s: float) -> RestClient:
        """The client of one operation. ``deadline_s`` is monotonic; ``headers`` are identity and forwarded ones."""
        return RestClient(
            self._transport,
            self._clock,
            self._in_flight,
            self._observe,
            headers=headers,
            deadline_s=deadline_s,
            max_batch_ids=self._max_batch_ids,
        )

    async def aclose(self) -> None:
        await self._transport.aclose()


def unobserved(*, service: str, method: str, outcome: Outcome, seconds: float) -> None:
    """Where calls are not counted."""


def create_pool(
    settings: Settings,
    clock: Clock,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    observe: Observe = unobserved,
) -> RestPool:
    """The pool that ``settings`` ask for. ``transport`` (httpx's seam, for tests) takes the place of the network."""
    if transport is not None or settings.http_client == "httpx":
        rest_transport: Transport = HttpxTransport(settings.gateway_url, transport=transport)
    else:
        rest_transport = PyreqwestTransport(settings.gateway_url)
    return RestPool(rest_transport, clock, max_batch_ids=settings.max_batch_ids, observe=observe)
