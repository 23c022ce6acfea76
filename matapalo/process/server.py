"""The HTTP server of a process: uvicorn under our own signals, and the three pages that every process has.

`/healthz` the process lives, `/readyz` it can do its work (`matapalo.process.readiness`), `/metrics` Prometheus.
"""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from matapalo.process.signals import cancel, stop_signal, until_stopped

GRACE_S = 2
"""For requests under way when the process is to stop. A console's stream never ends by itself."""


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: they would end the process before its work is done.

    ``on_stop`` ends streams, for which uvicorn would otherwise wait. ``owns_process``: nothing else runs in it.
    """

    def __init__(
        self, config: uvicorn.Config, on_stop: Callable[[], None] | None = None, *, owns_process: bool
    ) -> None:
        super().__init__(config)
        self._on_stop = on_stop
        self._owns_process = owns_process

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `stop_signal`."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then hide what was loaded once from the collector, which walked it on every full collection.

        Measured on a request with 100 rows: 3 533 → 2 167 µs CPU, p99 148 → 51 ms.
        """
        await super().startup(sockets)
        if self._owns_process:
            gc.collect()
            gc.freeze()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, end the streams, let requests finish."""
        if self._on_stop is not None:
            self._on_stop()
        await super().shutdown(sockets)


def create_server(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    grace_s: int = GRACE_S,
    on_stop: Callable[[], None] | None = None,
    owns_process: bool = True,
    **options: Any,
) -> Server:
    """A server for ``app``. ``options`` are those of `uvicorn.Config`."""
    config = uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=grace_s, **options
    )
    return Server(config, on_stop, owns_process=owns_process)


async def run(server: Server) -> None:
    """Serve until SIGTERM or SIGINT; returns when requests under way have ended or their grace is over."""
    with stop_signal() as stopping:
        serving = asyncio.create_task(server.serve())
        await until_stopped(stopping, serving)
        server.should_exit = True
        await serving


@asynccontextmanager
async def listening(app: ASGIApp, *, host: str, port: int) -> AsyncIterator[None]:
    """Serve ``app`` beside the work of the block."""
    server = create_server(app, host=host, port=port, lifespan="off", log_level="warning", owns_process=False)
    serving = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def repeating(action: Callable[[], None], *, every_s: float) -> AsyncIterator[None]:
    """Do ``action`` again and again beside the work of the block."""

    async def repeat() -> None:
        while True:
            await asyncio.sleep(every_s)
            action()

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        await cancel(task)


def status_routes(ready: Callable[[], Awaitable[Response]], registry: CollectorRegistry) -> list[Route]:
    """The routes of the three pages; ``ready`` makes the response of `/readyz`."""

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        return await ready()

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
