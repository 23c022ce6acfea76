"""`python -m benchmarks.strangler`: what Envoy's hop costs, and how fast the table of routes becomes traffic.

    hop       CPU per request of Envoy with our tables, and of a FastAPI + httpx proxy that decides alike, in turns, in
              front of the same upstream (an Envoy that answers by itself)
    change    from the write of a percentage to the first request that follows it, with 7 and with 200 routes
    flips     100 changes under load: requests that failed
    scale     500 routes with 50 named users each: from the write to the read-back, Envoy's memory

Valkey, `matapalo gateway agent` and Envoy are the real processes, on ports and in a folder of their own. Exit code 1
with `--check` when a goal is missed.
"""

import argparse
import asyncio
import http.client
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple

import httpx
import psutil
from redis.exceptions import RedisError

from benchmarks import machine
from benchmarks.child import answers, free_port, listens, running
from benchmarks.errors import BenchmarkError
from benchmarks.load import Job, Outcome, generator
from benchmarks.meter import cpu_s
from benchmarks.report import table
from benchmarks.rounds import tell
from matapalo.launcher import keys
from matapalo.launcher.engines import envoy, valkey
from matapalo.process.clock import SystemClock
from matapalo.strangler.routing.change import Change
from matapalo.strangler.routing.decide import takes_new_side
from matapalo.strangler.routing.document import RoutesDocument, render_toml
from matapalo.strangler.routing.route import Route, Side
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.store.routes import RouteStore, connect

HOP_GOAL = 1 / 15
BODY = json.dumps({"items": [{"id": "ord_1", "status": "SHIPPED", "total": {"amount_minor": 1}}], "next_cursor": None})
SEED = 2
FLIPS = 100


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
class Bench:
    """A gateway on its own: the store, the agent, Envoy, and an upstream that answers by itself."""

    folder: Path
    redis_url: str
    upstream_port: int
    agent_port: int
    internal_port: int
    proxy: psutil.Process

    def change(self, share_bp: int) -> Change:
        """Writes the orders' share."""

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
        """Returns when the agent has read back that Envoy obeys this version."""
        give_up_at = time.monotonic() + within_s
        while True:
            report = httpx.get(f"http://127.0.0.1:{self.agent_port}/readyz", trust_env=False).json()
            if report["version"] == version and report["is_live"]:
                return
            if time.monotonic() > give_up_at:
                raise BenchmarkError(f"version {version} is not live after {within_s:g} s: {report}")
            time.sleep(0.005)


UPSTREAMS = ("legacy", "orders", "bff-web", "bff-mobile", "control")


@contextmanager
def bench(folder: Path, table: Sequence[Route]) -> Iterator[Bench]:
    """Everything started, with this table live."""
    folder.mkdir()
    ports = {name: free_port() for name in ("upstream", "redis", "agent", "edge", "internal")}
    keys.create(folder)
    (folder / "routes.toml").write_text(render_toml(table))
    (folder / "upstream.yaml").write_text(json.dumps(_answering(ports["upstream"])))
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
        is_written = answers(f"http://127.0.0.1:{ports['agent']}/readyz")
        env = _environment(folder, Path(sockets), redis_url, ports)
        start(running("agent", agent, folder=folder, ready=is_written, env=env))
        command = envoy.command(bootstrap=folder / "envoy" / "bootstrap.yaml")
        proxy = start(running("envoy", command, folder=folder, ready=listens(ports["internal"])))
        yield Bench(folder, redis_url, ports["upstream"], ports["agent"], ports["internal"], proxy)


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


_TYPES = "type.googleapis.com/envoy.extensions"


def _answering(port: int) -> dict[str, Any]:
    """An Envoy that answers every request with the same 200."""
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


# --- hop -------------------------------------------------------------------------------------------------------------


class Hop(NamedTuple):
    """A proxy over all rounds: requests a second, CPU of its process per request."""

    name: str
    rps: float
    cpu_us: float
    p50_us: float
    p99_us: float


def hop(found: Bench, offer: Any, *, rounds: int, seconds: float) -> list[Hop]:
    """Both proxies in turns."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.contestants.proxy", str(port), str(found.upstream_port)]
    with running("proxy", command, folder=found.folder, ready=listens(port)) as proxy:
        contestants = {"Envoy": (found.proxy, found.internal_port), "FastAPI + httpx": (proxy, port)}
        measured: dict[str, list[tuple[Outcome, float]]] = {name: [] for name in contestants}
        for number in range(rounds + 1):
            for name, (process, at) in contestants.items():
                job = _job(at, seconds=seconds if number else 0.5)
                before = cpu_s(process)
                outcome = offer(job)
                if outcome.fault:
                    raise BenchmarkError(f"{name}: {outcome.fault}")
                if number:  # the first round warms up
                    measured[name].append((outcome, cpu_s(process) - before))
    return [_hop(name, rounds_) for name, rounds_ in measured.items()]


def _hop(name: str, rounds: Sequence[tuple[Outcome, float]]) -> Hop:
    latencies = sorted(latency for outcome, _ in rounds for latency in outcome.latencies_us)
    return Hop(
        name,
        median(outcome.requests / outcome.elapsed_s for outcome, _ in rounds),
        median(cpu * 1e6 / outcome.requests for outcome, cpu in rounds),
        latencies[len(latencies) // 2],
        latencies[int(len(latencies) * 0.99)],
    )


def _job(port: int, *, seconds: float) -> Job:
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


# --- change ----------------------------------------------------------------------------------------------------------


def change_to_effect_ms(found: Bench, *, changes: int) -> list[float]:
    """From before the write to the first answer from the other side."""
    user = next(name for name in (f"u-{n}" for n in range(1000)) if not takes_new_side(name, seed=SEED, share_bp=5_000))
    connection = http.client.HTTPConnection("127.0.0.1", found.internal_port, timeout=10)
    took = []

    async def measure() -> None:
        store = RouteStore(connect(found.redis_url))
        table_ = Changes(store, upstreams=UPSTREAMS, clock=SystemClock())
        for number in range(changes):
            to, share_bp = (Side.NEW, 10_000) if number % 2 == 0 else (Side.LEGACY, 5_000)
            began = time.perf_counter()
            change = await table_.set_route("orders", {"share_bp": share_bp}, by="bench", why="to be measured")
            while _target(connection, user) != to:
                if time.perf_counter() - began > 10:
                    raise BenchmarkError(f"version {change.version} has no effect after 10 s")
            took.append((time.perf_counter() - began) * 1000)
            await asyncio.to_thread(found.until_live, change.version)
        await store.close()

    asyncio.run(measure())
    connection.close()
    return took


def _target(connection: http.client.HTTPConnection, user: str) -> str | None:
    connection.request("GET", "/api/orders", headers={"x-user-id": user})
    response = connection.getresponse()
    response.read()
    return response.getheader("x-strangler-target")


# --- flips -----------------------------------------------------------------------------------------------------------


class Flips(NamedTuple):
    """Changes under load."""

    changes: int
    requests: int
    fault: str | None


def flips(found: Bench, offer: Any) -> Flips:
    """Changes one after the other while the load goes on; the first answer that is not right is the fault."""
    outcome: list[Outcome] = []
    loading = threading.Thread(target=lambda: outcome.append(offer(_job(found.internal_port, seconds=FLIPS * 0.06))))
    loading.start()
    for number in range(FLIPS):
        found.change(10_000 if number % 2 == 0 else 1)
    loading.join()
    return Flips(FLIPS, outcome[0].requests, outcome[0].fault)


# --- scale -----------------------------------------------------------------------------------------------------------


class Scale(NamedTuple):
    """500 routes with 50 named users each. Seconds from the write to the read-back; MB of Envoy."""

    whole_table_s: float
    one_route_s: float
    rss_before_mb: float
    rss_mb: float


def scale(found: Bench) -> Scale:
    """The table grows from 7 routes, then one share changes."""
    before = found.proxy.memory_info().rss
    began = time.perf_counter()
    found.until_live(found.replace(routes(500, users=50)))
    whole = time.perf_counter() - began
    took = []
    for number in range(5):
        began = time.perf_counter()
        found.until_live(found.change(3_000 + number).version)
        took.append(time.perf_counter() - began)
    return Scale(whole, median(took), before / 1e6, found.proxy.memory_info().rss / 1e6)


# --- the program -----------------------------------------------------------------------------------------------------


def run(folder: Path, *, quick: bool) -> dict[str, Any]:
    """All four, as values."""
    rounds, seconds, changes = (1, 1.0, 10) if quick else (3, 3.0, 60)
    with generator() as offer:
        with bench(folder / "small", routes(7)) as small:
            tell("the hop")
            hops = hop(small, offer, rounds=rounds, seconds=seconds)
            tell("changes")
            few = change_to_effect_ms(small, changes=changes)
            tell("flips under load")
            flipped = flips(small, offer)
            tell("500 routes")
            scaled = scale(small)
        with bench(folder / "large", routes(200)) as large:
            tell("changes of one in 200 routes")
            many = change_to_effect_ms(large, changes=changes)
    return {
        "hop": [one._asdict() for one in hops],
        "hop_cpu_ratio": hops[0].cpu_us / hops[1].cpu_us,
        "change_ms": {"7 routes": _spread(few), "200 routes": _spread(many)},
        "flips": flipped._asdict(),
        "scale": scaled._asdict(),
    }


def _spread(took: Sequence[float]) -> dict[str, float]:
    return {"p50": median(took), "p99": quantiles(took, n=100, method="inclusive")[98], "max": max(took)}


def text(found: dict[str, Any]) -> str:
    """Tables in Markdown."""
    rows = [
        (h["name"], f"{h['rps']:.0f}", f"{h['p50_us']:.0f}", f"{h['p99_us']:.0f}", f"{h['cpu_us']:.0f}")
        for h in found["hop"]
    ]
    changes = [
        (name, *(f"{spread[part]:.1f}" for part in ("p50", "p99", "max")))
        for name, spread in found["change_ms"].items()
    ]
    flipped, scaled = found["flips"], found["scale"]
    return "\n\n".join(
        [
            "### The hop\n\n" + table(("proxy", "requests/s", "p50 µs", "p99 µs", "CPU µs/request"), rows),
            f"Envoy needs 1/{1 / found['hop_cpu_ratio']:.0f} of the proxy's CPU per request "
            f"(goal: 1/{1 / HOP_GOAL:.0f}).",
            "### From the write of a percentage to its effect\n\n"
            + table(("table", "p50 ms", "p99 ms", "max ms"), changes),
            f"{flipped['changes']} changes under load: {flipped['requests']} requests, "
            f"{flipped['fault'] or '0 failed'}.",
            f"500 routes with 50 users each: the whole table is live after {scaled['whole_table_s']:.2f} s, a change "
            f"of one route after {scaled['one_route_s']:.2f} s; Envoy has {scaled['rss_mb']:.0f} MB "
            f"({scaled['rss_before_mb']:.0f} MB before).",
        ]
    )


def is_met(found: dict[str, Any]) -> bool:
    """Whether the goals hold."""
    return bool(found["hop_cpu_ratio"] <= HOP_GOAL and found["flips"]["fault"] is None)


def main(arguments: Sequence[str]) -> int:
    """The whole program; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.strangler", allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="to see that it runs, not to quote")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a goal is missed")
    options = parser.parse_args(arguments)
    facts = machine.facts()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            found = run(Path(folder), quick=options.quick)
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    print(f"{text(found)}\n\n{machine.sentence(facts)}")
    if options.json is not None:
        options.json.write_text(json.dumps({"machine": facts, **found}, indent=2, default=str) + "\n")
    return 1 if options.check and not is_met(found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
