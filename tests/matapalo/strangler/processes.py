"""The processes of a gateway as tests run them: agent and control plane as commands, around a store that a test may
take away, in front of upstreams that tell what reached them.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from matapalo.process.clock import SystemClock
from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.route import Route
from matapalo.strangler.settings import Settings
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.store.routes import RouteStore, connect
from tests.harness.engines import running
from tests.harness.ports import free_port
from tests.harness.tokens import ISSUER, bearer, jwks
from tests.harness.waiting import eventually_sync
from tests.matapalo.strangler.stand import FIXED, SERVICES, a_short_folder, settings_for
from tests.matapalo.strangler.upstreams import running_upstreams

T = TypeVar("T")
OPERATOR = bearer("op_1", role="operator")


@dataclass
class Gateway:
    """The processes of a gateway, and the store they share."""

    redis_url: str
    settings: Settings
    agent_port: int
    control_port: int
    processes: ExitStack
    log: Path
    more: dict[str, str] = field(default_factory=dict)
    """Further variables of its processes."""

    def start(self, command: str) -> ExitStack:
        """Starts `matapalo gateway <command>`; closing what is returned stops it."""
        program = str(Path(sys.executable).with_name("matapalo"))
        variables = [f"{name}={value}" for name, value in self.environment().items()]
        process = self.processes.enter_context(ExitStack())
        process.enter_context(running(["/usr/bin/env", *variables, program, "gateway", command], log=self.log))
        return process

    def environment(self) -> dict[str, str]:
        upstreams = {name: f"{at.host}:{at.port}" for name, at in self.settings.upstreams.items()}
        return {
            "MATAPALO_ENV": "development",
            "GATEWAY_REDIS_URL": self.redis_url,
            "GATEWAY_ENVOY_DIR": str(self.settings.envoy_dir),
            "GATEWAY_ADMIN_SOCKET": str(self.settings.admin_socket),
            "GATEWAY_ACCESS_LOG": str(self.settings.access_log),
            "GATEWAY_EDGE_PORT": str(self.settings.edge_port),
            "GATEWAY_INTERNAL_PORT": str(self.settings.internal_port),
            "GATEWAY_AGENT_PORT": str(self.agent_port),
            "GATEWAY_CONTROL_PORT": str(self.control_port),
            "GATEWAY_JWKS_FILE": str(self.settings.jwks_file),
            "GATEWAY_JWT_ISSUER": ISSUER,
            "GATEWAY_UPSTREAMS": json.dumps(upstreams),
            **self.more,
        }

    def agent(self) -> Any:
        """What the agent reports; None while it does not answer."""
        return _answer(f"http://127.0.0.1:{self.agent_port}/readyz")

    def stored(self) -> RoutesDocument | None:
        return self._ask(lambda store: store.read())

    def changes(self, ask: Callable[[Changes], Coroutine[Any, Any, T]]) -> T:
        """Changes the table as operators do, past HTTP."""
        return self._ask(lambda store: ask(Changes(store, upstreams=self.settings.upstreams, clock=SystemClock())))

    def until_live(self, version: int, *, deadline_s: float = 10.0) -> None:
        """Waits until the agent has read back that Envoy obeys this version."""
        eventually_sync(
            lambda: ((self.agent() or {}).get("version"), (self.agent() or {}).get("is_live")) == (version, True),
            deadline_s=deadline_s,
            message=f"version {version} is live",
        )

    def admin(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Asks the control plane as an operator."""
        address = f"http://127.0.0.1:{self.control_port}/admin{path}"
        return httpx.request(method, address, json=body, headers=OPERATOR | headers, trust_env=False, timeout=10)

    def start_control(self) -> ExitStack:
        """Starts the control plane; closing what is returned stops it."""
        process = self.start("control")
        eventually_sync(
            lambda: _answer(f"http://127.0.0.1:{self.control_port}/healthz"), message="the control plane starts"
        )
        return process

    def change(self, *routes: Route) -> int:
        """Writes the next version of the table."""
        stored = self.stored()
        assert stored is not None
        document = RoutesDocument(stored.version + 1, routes)
        self._ask(lambda store: store.replace(document))
        return document.version

    def change_and_wait(self, *routes: Route, deadline_s: float = 10.0) -> None:
        """… and waits until the agent has read back that Envoy obeys it."""
        self.until_live(self.change(*routes), deadline_s=deadline_s)

    def flush(self) -> None:
        """Empties the store."""
        flush(self.redis_url)

    def _ask(self, question: Callable[[RouteStore], Coroutine[Any, Any, T]]) -> T:
        async def ask() -> T:
            store = RouteStore(connect(self.redis_url))
            try:
                return await question(store)
            finally:
                await store.close()

        return asyncio.run(ask())


def _answer(url: str) -> Any:
    try:
        return httpx.get(url, trust_env=False).json()
    except httpx.HTTPError:
        return None


def flush(redis_url: str) -> None:
    """Empties a database of Redis."""

    async def delete() -> None:
        redis = connect(redis_url)
        await redis.flushdb()
        await redis.aclose()

    asyncio.run(delete())


@contextmanager
def a_gateway(redis_url: str, **more: str) -> Iterator[Gateway]:
    """A gateway whose agent is ready to start an Envoy from; without a control plane. ``more`` are variables."""
    names = (*SERVICES, *(name for name in FIXED if name != "control"))
    with a_short_folder() as folder, running_upstreams(names) as ports, ExitStack() as processes:
        control_port = free_port()
        settings = settings_for(
            folder, {**ports, "shipping": free_port(), "control": control_port, "compare": free_port()}
        )
        (folder / "jwks.json").write_text(json.dumps(jwks()))
        found = Gateway(redis_url, settings, free_port(), control_port, processes, folder / "gateway.log", more)
        found.start("agent")
        eventually_sync(lambda: (found.agent() or {}).get("ready"), message="the agent is ready before any Envoy")
        yield found
