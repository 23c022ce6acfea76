"""Running one or all services in this process: one event loop, one socket and one uvicorn server each.

Sockets are bound before anything is started, so that a port in use is one sentence and no half-started process.
SIGTERM and SIGINT let requests in flight finish (5 s), then the pool is closed.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Generator, Mapping

import uvicorn
import uvloop
from fastapi import FastAPI

from subgraphs.kit.connection import AbortableHttp
from subgraphs.kit.database import Database
from subgraphs.kit.observability import JsonLines
from subgraphs.kit.settings import Settings

# Envoy closes idle upstream connections after an hour. The side that closes first must be Envoy: a server that closes
# a connection just as a request arrives on it is a failed request.
KEEP_ALIVE_S = 3700
DRAIN_S = 5


class CannotServe(RuntimeError):
    """One sentence that says why the process does not start."""


class _Server(uvicorn.Server):
    """uvicorn's server, without its signal handlers: with eight servers in a process we install one for all."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def serve(apps: Mapping[str, FastAPI], settings: Settings, database: Database) -> None:
    """Serves until a signal. Raises `CannotServe` when a port is taken or the database is not at the head."""
    _log_to_stdout()
    sockets = {name: bind(name, settings.host, settings.port_of(name)) for name in apps}
    places = ", ".join(f"{name}:{settings.port_of(name)}" for name in apps)

    async def until_a_signal() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        logging.getLogger("subgraphs").info("serving %s", places)
        await serve_until(stop, apps, sockets, database)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(until_a_signal())


async def serve_until(
    stop: asyncio.Event, apps: Mapping[str, FastAPI], sockets: Mapping[str, socket.socket], database: Database
) -> None:
    """Serves each app on its socket until ``stop`` is set; closes the sockets and the database."""
    try:
        if (reason := await database.why_not_ready()) is not None:
            raise CannotServe(reason)
        servers = [(_server(app), sockets[name]) for name, app in apps.items()]
        async with asyncio.TaskGroup() as group:
            for server, bound in servers:
                group.create_task(server.serve(sockets=[bound]))
            await stop.wait()
            for server, _ in servers:
                server.should_exit = True
    finally:
        for bound in sockets.values():
            bound.close()
        await database.close()


def _server(app: FastAPI) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            http=AbortableHttp,
            ws="none",
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=DRAIN_S,
        )
    )


def bind(name: str, host: str, port: int) -> socket.socket:
    """A listening socket for the service ``name`` (port 0: any free one)."""
    try:
        bound = socket.create_server((host, port), backlog=2048)
    except OSError as error:
        raise CannotServe(f"{name} cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}.") from error
    bound.setblocking(False)
    return bound


def _log_to_stdout() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
