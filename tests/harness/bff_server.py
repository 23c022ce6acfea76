"""A BFF behind the server that runs it in production, on a free port, for tests that need a socket."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from matapalo.app import Bff
from matapalo.cli.serve import create_server
from matapalo.graphql.asgi import Endpoint
from matapalo.process.server import Server
from matapalo.settings import Settings
from tests.harness.eventually import eventually_sync
from tests.harness.in_memory_bff import SETTINGS
from tests.harness.ports import free_port


@dataclass
class BffServer:
    """A running server, and how to stop it."""

    address: str
    server: Server
    thread: threading.Thread

    @property
    def url(self) -> str:
        """The URL of the endpoint."""
        return f"http://{self.address}/graphql"

    def stop(self) -> None:
        """Ask the server to stop, as SIGTERM does."""
        self.server.should_exit = True


@contextmanager
def serve_bff(app: Bff | Endpoint, settings: Settings = SETTINGS) -> Iterator[BffServer]:
    """Serve ``app`` in a thread until the block ends. A bare endpoint is wrapped as `matapalo.app` wraps it."""
    bff = app if isinstance(app, Bff) else Bff(app)
    port = free_port()
    server = create_server(bff, settings, host="127.0.0.1", port=port)
    running = BffServer(f"127.0.0.1:{port}", server, threading.Thread(target=server.run, daemon=True))
    running.thread.start()
    try:
        eventually_sync(lambda: server.started, message="the server has started")
        yield running
    finally:
        running.stop()
        running.thread.join(15)
        assert not running.thread.is_alive(), "the server did not stop"
