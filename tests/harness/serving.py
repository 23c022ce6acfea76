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
from tests.harness.asking import SETTINGS
from tests.harness.ports import free_port
from tests.harness.waiting import eventually_sync


@dataclass
class Served:
    """Where it listens, and how to stop it."""

    address: str
    server: Server
    thread: threading.Thread

    @property
    def url(self) -> str:
        """The address of the endpoint."""
        return f"http://{self.address}/graphql"

    def stop(self) -> None:
        """Ask the server to stop, as SIGTERM does."""
        self.server.should_exit = True


@contextmanager
def serving(app: Bff | Endpoint, settings: Settings = SETTINGS) -> Iterator[Served]:
    """Serve ``app`` in a thread until the block ends. A bare endpoint is wrapped as `matapalo.app` wraps it."""
    bff = app if isinstance(app, Bff) else Bff(app)
    port = free_port()
    server = create_server(bff, settings, host="127.0.0.1", port=port)
    served = Served(f"127.0.0.1:{port}", server, threading.Thread(target=server.run, daemon=True))
    served.thread.start()
    try:
        eventually_sync(lambda: server.started, message="the server has started")
        yield served
    finally:
        served.stop()
        served.thread.join(15)
        assert not served.thread.is_alive(), "the server did not stop"
