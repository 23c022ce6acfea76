"""How fast a change of the route table becomes traffic, whether one loses requests, and what a large table costs."""

import asyncio
import http.client
import threading
import time
from statistics import median
from typing import NamedTuple

from benchmarks.errors import BenchmarkError
from benchmarks.load import Outcome
from benchmarks.rounds import Offer
from benchmarks.strangler.gateway import SEED, UPSTREAMS, Gateway, job, routes
from matapalo.process.clock import SystemClock
from matapalo.strangler.routing.decide import takes_new_side
from matapalo.strangler.routing.route import Side
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.store.routes import RouteStore, connect

FLIPS = 100


def change_to_effect_ms(gateway: Gateway, *, changes: int) -> list[float]:
    """From before the write to the first response from the other side."""
    user = next(name for name in (f"u-{n}" for n in range(1000)) if not takes_new_side(name, seed=SEED, share_bp=5_000))
    connection = http.client.HTTPConnection("127.0.0.1", gateway.internal_port, timeout=10)
    took = []

    async def measure() -> None:
        store = RouteStore(connect(gateway.redis_url))
        table = Changes(store, upstreams=UPSTREAMS, clock=SystemClock())
        for number in range(changes):
            to, share_bp = (Side.NEW, 10_000) if number % 2 == 0 else (Side.LEGACY, 5_000)
            began = time.perf_counter()
            change = await table.set_route("orders", {"share_bp": share_bp}, by="bench", why="to be measured")
            while _target(connection, user) != to:
                if time.perf_counter() - began > 10:
                    raise BenchmarkError(f"version {change.version} has no effect after 10 s")
            took.append((time.perf_counter() - began) * 1000)
            await asyncio.to_thread(gateway.until_live, change.version)
        await store.close()

    asyncio.run(measure())
    connection.close()
    return took


def _target(connection: http.client.HTTPConnection, user: str) -> str | None:
    connection.request("GET", "/api/orders", headers={"x-user-id": user})
    response = connection.getresponse()
    response.read()
    return response.getheader("x-strangler-target")


class Flips(NamedTuple):
    """What a load saw of changes on the way."""

    changes: int
    requests: int
    fault: str | None


def flips(gateway: Gateway, offer: Offer) -> Flips:
    """Changes one after the other while the load goes on; the first wrong response is the fault."""
    outcome: list[Outcome] = []
    loading = threading.Thread(target=lambda: outcome.append(offer(job(gateway.internal_port, seconds=FLIPS * 0.06))))
    loading.start()
    for number in range(FLIPS):
        gateway.change(10_000 if number % 2 == 0 else 1)
    loading.join()
    return Flips(FLIPS, outcome[0].requests, outcome[0].fault)


class Scale(NamedTuple):
    """500 routes with 50 named users each. Seconds from the write to the read-back; MB of Envoy."""

    whole_table_s: float
    one_route_s: float
    rss_before_mb: float
    rss_mb: float


def scale(gateway: Gateway) -> Scale:
    """The table grows from 7 routes, then one share changes."""
    before = gateway.proxy.memory_info().rss
    began = time.perf_counter()
    gateway.until_live(gateway.replace(routes(500, users=50)))
    whole = time.perf_counter() - began
    took = []
    for number in range(5):
        began = time.perf_counter()
        gateway.until_live(gateway.change(3_000 + number).version)
        took.append(time.perf_counter() - began)
    return Scale(whole, median(took), before / 1e6, gateway.proxy.memory_info().rss / 1e6)
