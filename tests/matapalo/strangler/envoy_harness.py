"""A real Envoy with our files, between a client and small upstreams that echo their requests.

A test module starts one: ``with envoy_harness() as envoy: envoy.edge.get("/api/orders", bearer("cust_0001"))``.
"""

import asyncio
import http.client
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from typing import Any, NamedTuple

from matapalo.auth.keys import KeySource
from matapalo.launcher.engines import envoy as envoy_engine
from matapalo.strangler.agent.admin import EnvoyAdmin
from matapalo.strangler.agent.folder import EnvoyFolder
from matapalo.strangler.envoy.render import EnvoyFile, render
from matapalo.strangler.routing.document import RoutesDocument, parse_toml
from matapalo.strangler.routing.route import Route
from matapalo.strangler.settings import Settings, Upstream, upstream_of
from tests.harness.engines import running
from tests.harness.eventually import eventually_sync
from tests.harness.ports import free_port
from tests.harness.shop import SHOP
from tests.matapalo.strangler.builders import KEYS, settings_in
from tests.matapalo.strangler.upstreams import UpstreamRequest, running_upstreams

SERVICES = tuple(name for name in SHOP.services if name != "shipping")
"""All but shipping: no process listens where its new side is."""
FIXED = (*map(upstream_of, SHOP.clients), "control")


class Response(NamedTuple):
    """Status, headers and body of a response. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def target(self) -> str | None:
        """The side that responded, as Envoy reports it."""
        return self.headers.get("x-strangler-target")


class Client:
    """One kept-alive connection to a listener. Sends paths exactly as given, which HTTP libraries do not."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> Response:
        self._connection.request(method, path, body=body, headers=dict(headers or {}))
        response = self._connection.getresponse()
        by_name = {name.lower(): value for name, value in response.getheaders()}
        return Response(response.status, by_name, response.read().decode())

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Response:
        return self.request("GET", path, headers)

    def close(self) -> None:
        self._connection.close()


@dataclass
class EnvoyHarness:
    """A running Envoy with its folder and a client of each listener."""

    settings: Settings
    folder: EnvoyFolder
    edge: Client
    internal: Client
    access_log: Path
    version: int = 1
    mirrored: Queue[UpstreamRequest] = field(default_factory=Queue)
    """The requests that reached the comparator."""

    def apply(self, routes: tuple[Route, ...]) -> None:
        """Replace the table, past the agent, and wait until it is live."""
        self.version += 1
        for file in render(RoutesDocument(self.version, routes), self.settings, KEYS):
            self.folder.write(file.name, file.text)
            if file.version:
                self._until_live(file)

    def _until_live(self, file: EnvoyFile) -> None:
        eventually_sync(lambda: self.live_versions()[file.name] == file.version, message=f"{file.name} is live")

    def live_versions(self) -> Mapping[str, str]:
        return asyncio.run(_live_versions(self.settings.admin_socket))


async def _live_versions(socket: Path) -> Mapping[str, str]:
    admin = EnvoyAdmin(socket)
    try:
        return await admin.live_versions()
    finally:
        await admin.close()


def routes_of_the_repository() -> tuple[Route, ...]:
    path = Path("gateway/routes.toml")
    return parse_toml(path.read_text(encoding="utf-8"), origin=path.name)


@contextmanager
def envoy_harness(keys: KeySource = KEYS, **changes: Any) -> Iterator[EnvoyHarness]:
    """Start everything on the repository's routes; stop it at the end. ``changes`` are settings."""
    mirrored: Queue[UpstreamRequest] = Queue()
    with (
        a_short_folder() as folder,
        running_upstreams((*SERVICES, *FIXED)) as ports,
        running_upstreams(("compare",), mirrored) as comparator,
    ):
        settings = settings_for(folder, {**ports, **comparator, "shipping": free_port()}, **changes)
        write_files(settings, routes_of_the_repository(), keys)
        with running_envoy(settings) as envoy:
            envoy.mirrored = mirrored
            yield envoy


def write_files(settings: Settings, routes: tuple[Route, ...], keys: KeySource = KEYS) -> None:
    """Write the files an Envoy starts from."""
    folder = EnvoyFolder(settings.envoy_dir)
    for file in render(RoutesDocument(1, routes), settings, keys):
        folder.write(file.name, file.text)


@contextmanager
def running_envoy(settings: Settings) -> Iterator[EnvoyHarness]:
    """Start an Envoy on existing files; stop it at the end."""
    log = settings.envoy_dir.parent / "envoy.log"
    command = envoy_engine.command(bootstrap=settings.envoy_dir / "bootstrap.yaml", log_flush_ms=50)
    with running(command, log=log):
        eventually_sync(lambda: _is_up(settings), message=f"Envoy starts; its log is {log}")
        edge, internal = Client(settings.edge_port), Client(settings.internal_port)
        folder, access_log = EnvoyFolder(settings.envoy_dir), settings.access_log or Path()
        with closing(edge), closing(internal):
            yield EnvoyHarness(settings, folder, edge, internal, access_log)


@contextmanager
def a_short_folder() -> Iterator[Path]:
    """A temporary folder whose path is short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="mp-") as folder:
        yield Path(folder)


def settings_for(folder: Path, ports: Mapping[str, int], **changes: Any) -> Settings:
    """Settings with all files in ``folder`` and all listeners on free ports."""
    defaults = {
        "admin_socket": folder / "admin.sock",
        "access_log": folder / "access.log",
        "edge_port": free_port(),
        "internal_port": free_port(),
        "upstreams": {name: Upstream("127.0.0.1", port) for name, port in ports.items()},
    }
    return settings_in(folder, **{**defaults, **changes})


def _is_up(settings: Settings) -> bool:
    for port in (settings.edge_port, settings.internal_port):
        client = Client(port)
        try:
            if client.get("/healthz").status != 200:
                return False
        except OSError:
            return False
        finally:
            client.close()
    return True
