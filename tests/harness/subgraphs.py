"""The services and the monolith as fixtures: eight real HTTP servers in a thread, over a seeded database of their own.

`seeded_database_url` is a fresh copy of the seed for each test module (what one module writes, no other sees); `rest`
serves it. Both need PostgreSQL, so tests that use them carry `@pytest.mark.stack`.
"""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module

import asyncpg
import httpx
import pytest

from subgraphs.kit.database import Database
from subgraphs.kit.server import bind, serve_until
from subgraphs.kit.settings import SERVICES, Settings
from subgraphs.migrations.head import head
from subgraphs.migrations.migrate import migrate
from tests.harness.eventually import eventually_sync

TEMPLATE = "seed_template"


@dataclass(frozen=True)
class Rest:
    """The URL of each service, and a client for all of them."""

    urls: Mapping[str, str]
    client: httpx.Client

    def request(
        self, service: str, method: str, path: str, *, role: str | None = None, user: str | None = None, **more: object
    ) -> httpx.Response:
        """One request as ``user`` in ``role`` (neither: anonymous). ``new`` is the service that owns the path."""
        service = path.partition("?")[0].split("/")[2] if service == "new" else service
        identity = {"x-role": role, "x-user-id": user}
        extra = more.pop("headers", {})
        assert isinstance(extra, dict)
        headers = {name: value for name, value in identity.items() if value is not None} | extra
        return self.client.request(method, f"{self.urls[service]}{path}", headers=headers, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def seed_template(database_url: str) -> str:
    """The name of a migrated and seeded database, to be copied and never written to."""
    asyncio.run(_create(database_url, TEMPLATE, None))
    asyncio.run(migrate(_sibling(database_url, TEMPLATE), wait_s=5, say=lambda _: None))
    return TEMPLATE


@pytest.fixture(scope="module")
def seeded_database_url(database_url: str, seed_template: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A copy of the seed for this module."""
    name = f"copy_{abs(hash(request.node.nodeid)):x}"
    asyncio.run(_create(database_url, name, seed_template))
    yield _sibling(database_url, name)
    asyncio.run(_drop(database_url, name))


@pytest.fixture(scope="module")
def rest(seeded_database_url: str) -> Iterator[Rest]:
    """All services in development mode, over the module's copy of the seed."""
    with serving(seeded_database_url, environment="development") as urls, httpx.Client(timeout=10) as client:
        yield Rest(urls, client)


@contextmanager
def serving(database_url: str, *, environment: str) -> Iterator[dict[str, str]]:
    """Serves every service on a free port in a thread; yields the base URL of each."""
    settings = Settings.model_validate({"environment": environment, "database_url": database_url})
    sockets = {name: bind(name, "127.0.0.1", 0) for name in SERVICES}
    urls = {name: f"http://127.0.0.1:{bound.getsockname()[1]}" for name, bound in sockets.items()}
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    def run() -> None:
        database = Database(database_url, head=head(), connections=16)
        apps = {name: import_module(f"subgraphs.{name}.app").create(settings, database) for name in SERVICES}
        loop.run_until_complete(serve_until(stop, apps, sockets, database))

    thread = threading.Thread(target=run, name="subgraphs")
    thread.start()
    try:
        eventually_sync(lambda: _are_healthy(urls), deadline_s=20, message="the services are healthy")
        yield urls
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=20)
        loop.close()


def _are_healthy(urls: Mapping[str, str]) -> bool:
    try:
        return all(httpx.get(f"{url}/healthz", trust_env=False).is_success for url in urls.values())
    except httpx.TransportError:
        return False


def _sibling(database_url: str, name: str) -> str:
    return f"{database_url.rpartition('/')[0]}/{name}"


async def _create(database_url: str, name: str, template: str | None) -> None:
    copied = f' TEMPLATE "{template}"' if template else ""
    await _administer(database_url, f'CREATE DATABASE "{name}"{copied}')


async def _drop(database_url: str, name: str) -> None:
    await _administer(database_url, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _administer(database_url: str, statement: str) -> None:
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
