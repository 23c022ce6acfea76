"""A gateway on its own ports and folder: Valkey, `matapalo gateway agent` and Envoy as real processes, and an upstream.

The upstream is an Envoy too, with the same 200 for every request, so that it never is what a figure measures.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from redis.exceptions import RedisError

from benchmarks.child import free_port, listens, responds, running
from benchmarks.errors import BenchmarkError
from benchmarks.load import Job
from matapalo.launcher import keys
from matapalo.launcher.engines import envoy, valkey
from matapalo.process.clock import SystemClock
from matapalo.strangler.routing.change import Change
from matapalo.strangler.routing.document import RoutesDocument, render_toml
from matapalo.strangler.routing.route import Route, Side
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.store.routes import RouteStore, connect

BODY = json.dumps({"items": [{"id": "ord_1", "status": "SHIPPED", "total": {"amount_minor": 1}}], "next_cursor": None})
SEED = 2
UPSTREAMS = ("legacy", "orders", "bff-web", "bff-mobile", "control")
_TYPES = "type.googleapis.com/envoy.extensions"


def routes(count: int, *, users: int = 20, share_bp: int = 2_500) -> tuple[Route, ...]:
    """A table whose first route is the orders'."""
    names = ["orders", *(f"route-{number}" for number in range(1, count))]
    return tuple(
        Route(
            name=name,
            prefix=f"/api/{name}",
            new="orders",
            seed=SEED + at,
            share_bp=share_bp,
            writes=Side.LEGACY,
            users=tuple(f"vip-{at}-{number}" for number in range(users)),
        )
        for at, name in enumerate(names)
    )


@dataclass
class Gateway:
    """A running gateway; ``proxy`` is the process of its Envoy."""

    folder: Path
    redis_url: str
    upstream_port: int
    agent_port: int
    internal_port: int
    proxy: psutil.Process

    def change(self, share_bp: int) -> Change:
        """Writes the share of the route `orders`."""

        async def write() -> Change:
            store = RouteStore(connect(self.redis_url))
            try:
                changes = Changes(store, upstreams=UPSTREAMS, clock=SystemClock())
                return await changes.set_route("orders", {"share_bp": share_bp}, by="bench", why="to be measured")
            finally:
                await store.close()

        return asyncio.run(write())

    def replace(self, table: Sequence[Route]) -> int:
        """Writes a whole table; its version."""

        async def write() -> int:
            store = RouteStore(connect(self.redis_url))
            try:
                stored = await store.read()
                assert stored is not None
                await store.replace(RoutesDocument(stored.version + 1, tuple(table)))
                return stored.version + 1
            finally:
                await store.close()

        return asyncio.run(write())

    def until_live(self, version: int, *, within_s: float = 30) -> None:
        """Returns when the agent has read back that Envoy has this version."""
        give_up_at = time.monotonic() + within_s
        while True:
            report = httpx.get(f"http://127.0.0.1:{self.agent_port}/readyz", trust_env=False).json()
            if report["version"] == version and report["is_live"]:
                return
            if time.monotonic() > give_up_at:
                raise BenchmarkError(f"version {version} is not live after {within_s:g} s: {report}")
            time.sleep(0.005)


@contextmanager
def gateway(folder: Path, table: Sequence[Route]) -> Iterator[Gateway]:
    """Everything started, with this table live."""
    folder.mkdir()
    ports = {name: free_port() for name in ("upstream", "redis", "agent", "edge", "internal")}
    keys.create(folder)
    (folder / "routes.toml").write_text(render_toml(table))
    (folder / "upstream.yaml").write_text(json.dumps(_upstream(ports["upstream"])))
    (folder / "valkey").mkdir()
    redis_url = f"redis://127.0.0.1:{ports['redis']}/0"
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as sockets:
        start = stack.enter_context
        start(
            running(
                "upstream",
                envoy.command(bootstrap=folder / "upstream.yaml"),
                folder=folder,
                ready=listens(ports["upstream"]),
            )
        )
        store = valkey.command(port=ports["redis"], data_dir=folder / "valkey")
        start(running("valkey", store, folder=folder, ready=lambda: _pings(redis_url)))
        agent = [str(Path(sys.executable).with_name("matapalo")), "gateway", "agent"]
        is_written = responds(f"http://127.0.0.1:{ports['agent']}/readyz")
        env = _environment(folder, Path(sockets), redis_url, ports)
        start(running("agent", agent, folder=folder, ready=is_written, env=env))
        command = envoy.command(bootstrap=folder / "envoy" / "bootstrap.yaml")
        proxy = start(running("envoy", command, folder=folder, ready=listens(ports["internal"])))
        yield Gateway(folder, redis_url, ports["upstream"], ports["agent"], ports["internal"], proxy)


def _environment(folder: Path, sockets: Path, redis_url: str, ports: dict[str, int]) -> dict[str, str]:
    return {
        "MATAPALO_ENV": "development",
        "GATEWAY_REDIS_URL": redis_url,
        "GATEWAY_ROUTES_FILE": str(folder / "routes.toml"),
        "GATEWAY_ENVOY_DIR": str(folder / "envoy"),
        "GATEWAY_ADMIN_SOCKET": str(sockets / "envoy.sock"),
        "GATEWAY_ACCESS_LOG": str(folder / "access.log"),
        "GATEWAY_EDGE_PORT": str(ports["edge"]),
        "GATEWAY_INTERNAL_PORT": str(ports["internal"]),
        "GATEWAY_AGENT_PORT": str(ports["agent"]),
        "GATEWAY_JWKS_FILE": str(keys.jwks_file(folder)),
        "GATEWAY_JWT_ISSUER": keys.ISSUER,
        "GATEWAY_UPSTREAMS": json.dumps(dict.fromkeys(UPSTREAMS, f"127.0.0.1:{ports['upstream']}")),
    }


def _pings(redis_url: str) -> bool:
    async def ping() -> bool:
        redis = connect(redis_url)
        try:
            return bool(await redis.ping())
        finally:
            await redis.aclose()

    try:
        return asyncio.run(ping())
    except (RedisError, OSError):
        return False


def _upstream(port: int) -> dict[str, Any]:
    manager = {
        "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "upstream",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [
                        {
                            "match": {"prefix": "/"},
                            "direct_response": {"status": 200, "body": {"inline_string": BODY}},
                        }
                    ],
                }
            ]
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{_TYPES}.filters.http.router.v3.Router"},
            }
        ],
    }
    listener = {
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }
    return {"static_resources": {"listeners": [listener]}}


def job(port: int, *, seconds: float) -> Job:
    """The load that proxies and routes are measured under."""
    return Job(
        port=port,
        path="/api/orders?limit=20",
        headers={"x-user-id": "cust_0042"},
        body="",
        expected=BODY,
        concurrency=16,
        seconds=seconds,
        max_requests=1_000_000,
        method="GET",
    )
