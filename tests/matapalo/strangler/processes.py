"""The strangler's processes as tests run them: agent and control plane as commands, a store that a test may stop, and
upstreams that echo their requests.
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
from tests.harness.eventually import eventually_sync
from tests.harness.ports import free_port
from tests.harness.tokens import ISSUER, bearer, jwks
from tests.matapalo.strangler.envoy_harness import FIXED, SERVICES, a_short_folder, settings_for
from tests.matapalo.strangler.upstreams import running_upstreams

T = TypeVar("T")
OPERATOR = bearer("op_1", role="operator")


@dataclass
class Gateway:
    """The strangler's processes, and the store they share."""

    redis_url: str
    settings: Settings
    agent_port: int
    control_port: int
    processes: ExitStack
    log: Path
    more: dict[str, str] = field(default_factory=dict)
    """Further environment variables."""

    def start(self, command: str) -> ExitStack:
        """Start `matapalo gateway <command>`; closing the result stops it."""
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
        """The agent's report; None while it does not respond."""
        return _json_of(f"http://127.0.0.1:{self.agent_port}/readyz")

    def stored(self) -> RoutesDocument | None:
        return self.with_store(lambda store: store.read())

    def changes(self, call: Callable[[Changes], Coroutine[Any, Any, T]]) -> T:
        """Change the table as operators do, past HTTP."""
        return self.with_store(
            lambda store: call(Changes(store, upstreams=self.settings.upstreams, clock=SystemClock()))
        )

    def until_live(self, version: int, *, deadline_s: float = 10.0) -> None:
        """Wait until the agent has read back that this version is live."""
        eventually_sync(
            lambda: ((self.agent() or {}).get("version"), (self.agent() or {}).get("is_live")) == (version, True),
            deadline_s=deadline_s,
            message=f"version {version} is live",
        )

    def admin(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Call the control plane as an operator."""
        address = f"http://127.0.0.1:{self.control_port}/admin{path}"
        return httpx.request(method, address, json=body, headers=OPERATOR | headers, trust_env=False, timeout=10)

    def start_control(self) -> ExitStack:
        """Start the control plane; closing the result stops it."""
        process = self.start("control")
        eventually_sync(
            lambda: _json_of(f"http://127.0.0.1:{self.control_port}/healthz"), message="the control plane starts"
        )
        return process

    def change(self, *routes: Route) -> int:
        """Write the next version of the table."""
        stored = self.stored()
        assert stored is not None
        document = RoutesDocument(stored.version + 1, routes)
        self.with_store(lambda store: store.replace(document))
        return document.version

    def change_and_wait(self, *routes: Route, deadline_s: float = 10.0) -> None:
        """Write the next version, and wait until the agent has read back that it is live."""
        self.until_live(self.change(*routes), deadline_s=deadline_s)

    def flush(self) -> None:
        flush(self.redis_url)

    def with_store(self, call: Callable[[RouteStore], Coroutine[Any, Any, T]]) -> T:
        async def run() -> T:
            store = RouteStore(connect(self.redis_url))
            try:
                return await call(store)
            finally:
                await store.close()

        return asyncio.run(run())


def _json_of(url: str) -> Any:
    try:
        return httpx.get(url, trust_env=False).json()
    except httpx.HTTPError:
        return None


def flush(redis_url: str) -> None:
    """Empty a database of Redis."""

    async def delete() -> None:
        redis = connect(redis_url)
        await redis.flushdb()
        await redis.aclose()

    asyncio.run(delete())


@contextmanager
def a_gateway(redis_url: str, **more: str) -> Iterator[Gateway]:
    """Start an agent whose files an Envoy can start from; without a control plane. ``more`` are variables."""
    names = (*SERVICES, *(name for name in FIXED if name != "control"))
    with a_short_folder() as folder, running_upstreams(names) as ports, ExitStack() as processes:
        control_port = free_port()
        settings = settings_for(
            folder, {**ports, "shipping": free_port(), "control": control_port, "compare": free_port()}
        )
        (folder / "jwks.json").write_text(json.dumps(jwks()))
        gateway = Gateway(redis_url, settings, free_port(), control_port, processes, folder / "gateway.log", more)
        gateway.start("agent")
        eventually_sync(lambda: (gateway.agent() or {}).get("ready"), message="the agent is ready before any Envoy")
        yield gateway
