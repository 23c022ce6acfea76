"""The control plane over a table and a Redis in memory: the real services, the admin API and the console.

Temporal alone is played: `RecordedRollouts` keeps what it would have been told.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import msgspec
import uvicorn
from fakeredis import FakeAsyncRedis
from fastapi import Depends, FastAPI
from redis.asyncio import Redis

from matapalo.strangler.api import problems
from matapalo.strangler.api.operators import operators_only
from matapalo.strangler.api.router import admin_api, login_codes_api
from matapalo.strangler.caller import TokenVerifier
from matapalo.strangler.console.site import console_routes
from matapalo.strangler.rollout.client import DEFAULT_PACE, Command, Pace, Rollouts
from matapalo.strangler.rollout.messages import RolloutState, StartRollout
from matapalo.strangler.rollout.plan import parse
from matapalo.strangler.rollout.progress import RolloutProgress
from matapalo.strangler.rollout.snapshot_store import RedisSnapshotStore
from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.services import Services, create_services
from matapalo.strangler.store.hits import LegacyHits
from matapalo.strangler.store.routes import NodeReport
from matapalo.strangler.store.slices import Slices
from tests.harness.clock import FakeClock
from tests.harness.eventually import eventually
from tests.harness.ports import free_port
from tests.harness.tokens import tokens
from tests.matapalo.strangler.builders import settings_in
from tests.matapalo.strangler.fakes import FakeRouteStore

SITE = "http://console.example"


class RecordedRollouts(Rollouts):
    """Reads as the real ones; what Temporal would be told is in ``commands``, unless there is a ``problem``."""

    def __init__(self, services: Services, snapshots: RedisSnapshotStore) -> None:
        super().__init__(
            services.changes,
            snapshots,
            upstreams=(),
            address="",
            namespace="",
            check_every_s=600,
            clock=services.clock,
        )
        self.commands: list[tuple[object, ...]] = []
        self.problem: Exception | None = None

    async def start(self, route: str, plan: str, *, by: str, why: str, pace: Pace = DEFAULT_PACE) -> RolloutState:
        self._record(route, plan, by, why, *pace)
        return RolloutProgress(StartRollout(route, parse(plan), by, why, 1, 600, 3), self._clock.now()).state

    async def send(self, route: str, command: Command, *, by: str, why: str) -> RolloutState:
        self._record(route, command, by, why)
        return await self.get(route)

    def _record(self, *command: object) -> None:
        if self.problem is not None:
            raise self.problem
        self.commands.append(command)


class Harness:
    """One control plane. ``store`` and ``redis`` hold what it shows; a test changes them and looks again."""

    def __init__(self, document: RoutesDocument, redis: Redis | None = None) -> None:
        self.clock = FakeClock()
        self.store = FakeRouteStore(document)
        self.redis = redis or FakeAsyncRedis()
        settings = settings_in(Path())
        self.slices = Slices(self.redis, clock=self.clock, fine_s=settings.metrics_interval_s)
        self.hits = LegacyHits(self.redis)
        self.snapshots = RedisSnapshotStore(self.redis)
        services = create_services(self.redis, self.store, settings, clock=self.clock)
        self.rollouts = RecordedRollouts(services, self.snapshots)
        self.services = replace(services, rollouts=self.rollouts)
        self.verifier = TokenVerifier(tokens())

    def report_node(self, node: str = "edge-1", **changes: Any) -> None:
        """An agent says that its Envoy has the current version, and that it reads its log; unless changed."""
        version = self.store.document.version if self.store.document else 0
        report = NodeReport(node=node, version=version, is_live=True, reads_log=True, at=self.clock.now())
        self.store.agents[node] = msgspec.structs.replace(report, **changes)

    def api_app(self) -> FastAPI:
        """The control plane's admin API."""
        app = FastAPI()
        problems.install(app)
        app.include_router(admin_api(self.services, operators_only(self.verifier)))
        return app

    def console_app(self, *, every_s: float = 0.01) -> FastAPI:
        """The control plane's console, and what mints its login codes."""
        app = FastAPI()
        problems.install(app)
        gate = Depends(operators_only(self.verifier))
        app.include_router(login_codes_api(self.services.login_codes), dependencies=[gate])
        app.router.routes.extend(console_routes(self.services, self.verifier, every_s=every_s))
        return app

    @asynccontextmanager
    async def client(self, headers: dict[str, str] | None = None) -> AsyncIterator[httpx.AsyncClient]:
        """A client of the admin API, below `/admin`."""
        transport = httpx.ASGITransport(self.api_app())
        async with httpx.AsyncClient(transport=transport, base_url="http://control/admin", headers=headers) as http:
            yield http

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[httpx.AsyncClient]:
        """A visitor of the console without a session, who follows no redirect by himself."""
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.console_app()), base_url=SITE) as http:
            yield http

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        """The address of the console on a free port, for a real browser."""
        port = free_port()
        config = uvicorn.Config(
            self.console_app(every_s=0.1),
            host="127.0.0.1",
            port=port,
            log_level="critical",
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        await eventually(lambda: server.started, message="the console is served")
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        await serving
