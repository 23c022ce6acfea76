"""`python -m benchmarks.mutations PORT_OFFSET`: what it costs that an order is a durable workflow.

Starts the platform (one worker process, Temporal as `matapalo up` runs it) and measures through its edge:

- ``placeOrder`` against the four writes and the read that it consists of, made one after the other, plus six times a
  plain `start_workflow`, in rounds that take turns: the sum is the bound;
- the same key again against the first time;
- 50 subscribers of one order: from the moment of an event to its arrival at each of them, and the length of the
  workflow's history with and without them;
- orders from placement to shipment per second, eight customers at a time.

Exits with 1 when the bound is missed.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import Client

from benchmarks import machine
from benchmarks.errors import BenchmarkError
from benchmarks.platform import platform
from matapalo.launcher import keys
from matapalo.launcher.keys import Role, Tier
from matapalo.launcher.platform import EDGE_PORT, Platform

ROUNDS, ORDERS = 5, 20
STARTS = 6
SUBSCRIBERS = 50
SHIPPED, AT_ONCE = 80, 8
PRODUCT = "prod_0045"

PLACE = """
mutation ($input: PlaceOrderInput!) {
  placeOrder(input: $input) { __typename ... on OrderPlaced { order { id status } workflow { id } } }
}
"""
CONFIRM = "mutation ($id: ID!) { confirmWarehouse(orderId: $id) { __typename } }"
STATUS = "query ($id: ID!) { order(id: $id) { fulfilment { status } } }"
HISTORY = "query ($id: ID!) { workflow(id: $id) { state { historyLength } } }"
PROGRESS = "subscription ($id: ID!) { orderProgress(orderId: $id) { at step } }"

Work = Callable[[], Awaitable[None]]


class Bench:
    """The running platform, and the requests that are measured."""

    def __init__(self, base: Platform, client: httpx.AsyncClient, temporal: Client) -> None:
        self.base = base
        self.client = client
        self.temporal = temporal
        self._edge = base.url(EDGE_PORT, "/web/graphql")
        self.customer = self._signed_in("cust_0001", Role.CUSTOMER)
        self.operator = self._signed_in("bench", Role.OPERATOR)
        self.warehouse = self._signed_in("bench", Role.WAREHOUSE)

    async def ask(self, query: str, variables: dict[str, Any], who: dict[str, str], key: str | None = None) -> Any:
        """``data`` of a response without errors."""
        headers = who | ({"idempotency-key": key} if key else {})
        response = await self.client.post(self._edge, json={"query": query, "variables": variables}, headers=headers)
        body = response.json()
        if body.get("errors"):
            raise BenchmarkError(f"{response.status_code}: {body['errors']}")
        return body["data"]

    async def place(self, key: str | None = None) -> str:
        """One order; its id."""
        order = {"items": [{"productId": PRODUCT, "quantity": 1}]}
        key = key or uuid.uuid4().hex
        while True:
            payload = (await self.ask(PLACE, {"input": order}, self.customer, key))["placeOrder"]
            if payload["__typename"] == "OrderPlaced":
                return str(payload["order"]["id"])
            if payload["__typename"] != "OrderPending":
                raise BenchmarkError(f"an order is {payload['__typename']}")

    async def by_hand(self) -> None:
        """What `placeOrder` does, without a workflow: five REST calls through the internal listener."""
        order_id, lines = f"ord_bench_{uuid.uuid4().hex[:12]}", [{"product_id": PRODUCT, "quantity": 1}]
        whose = {"order_id": order_id, "customer_id": "cust_0001"}
        made = await self._write("/api/orders", {"id": order_id, "customer_id": "cust_0001", "items": lines})
        await self._write("/api/inventory/reservations", {"order_id": order_id, "items": lines})
        paid = await self._write("/api/payments", {**whose, "amount": made["total"], "payment_method_id": None})
        await self._write(f"/api/orders/{order_id}/confirm", {"payment_id": paid["id"]})
        url = self.base.url(8081, f"/api/orders?ids={order_id}")
        (await self.client.get(url, headers={"x-user-id": "cust_0001", "x-role": "customer"})).raise_for_status()

    async def start(self) -> None:
        """Start a plain workflow that has no worker."""
        await self.temporal.start_workflow("Nothing", id=f"bench:{uuid.uuid4().hex}", task_queue="bench")

    async def events(self, order_id: str) -> AsyncIterator[dict[str, Any]]:
        """An order's events, as one subscriber gets them."""
        body = {"query": PROGRESS, "variables": {"id": order_id}}
        headers = self.customer | {"accept": "text/event-stream"}
        async with self.client.stream("POST", self._edge, json=body, headers=headers) as response:
            async for line in response.aiter_lines():
                if line.startswith("data:") and (text := line.removeprefix("data:").strip()):
                    yield json.loads(text)["data"]["orderProgress"]

    async def _write(self, path: str, body: dict[str, Any]) -> Any:
        headers = {"x-user-id": "cust_0001", "x-role": "service", "idempotency-key": uuid.uuid4().hex}
        response = await self.client.post(self.base.url(8081, path), json=body, headers=headers)
        if not response.is_success:
            raise BenchmarkError(f"{path}: {response.status_code} {response.text}")
        return response.json()

    def _signed_in(self, subject: str, role: Role) -> dict[str, str]:
        signed = keys.token(
            self.base.data.keys, subject=subject, tier=Tier.ENTERPRISE, role=role, cohort=None, lifetime=keys.LONGEST
        )
        return {"authorization": f"Bearer {signed}"}


async def milliseconds(work: Work) -> list[float]:
    """How long each of some calls takes."""
    took = []
    for _ in range(ORDERS):
        begun = time.perf_counter()
        await work()
        took.append((time.perf_counter() - begun) * 1000)
    return took


async def placing(bench: Bench) -> bool:
    """Print what an order costs; whether that is within the bound."""
    took: dict[str, list[float]] = {"placeOrder": [], "again": [], "by hand": [], "start_workflow": []}
    for _ in range(ROUNDS):
        used = iter([uuid.uuid4().hex for _ in range(ORDERS)] * 2)

        async def place(keys_: Any = used) -> None:
            await bench.place(next(keys_))

        for name, work in (
            ("placeOrder", place),
            ("again", place),
            ("by hand", bench.by_hand),
            ("start_workflow", bench.start),
        ):
            took[name] += await milliseconds(work)
    p50 = {name: statistics.median(times) for name, times in took.items()}
    p99 = {name: statistics.quantiles(times, n=100)[98] for name, times in took.items()}
    for name in took:
        print(f"{name:>16}: p50 {p50[name]:6.1f} ms, p99 {p99[name]:6.1f} ms")
    bound = p50["by hand"] + STARTS * p50["start_workflow"]
    is_met = p50["placeOrder"] <= bound
    print(f"placeOrder p50 is {'within' if is_met else 'over'} its REST calls + {STARTS} starts = {bound:.1f} ms")
    print(f"a repeat takes {p50['again'] / p50['placeOrder']:.2f} of the first time")
    return is_met


async def subscriptions(bench: Bench) -> None:
    """Print how late events arrive at many subscribers, and what the workflow notices of them."""
    lengths = {subscribers: await _follow(bench, subscribers) for subscribers in (0, SUBSCRIBERS)}
    late = lengths[SUBSCRIBERS][1]
    print(
        f"{SUBSCRIBERS} subscribers, {len(late)} deliveries: p50 {statistics.median(late):.0f} ms, "
        f"p99 {statistics.quantiles(late, n=100)[98]:.0f} ms after the event"
    )
    alone, followed = lengths[0][0], lengths[SUBSCRIBERS][0]
    print(f"history of the workflow: {alone} events without subscribers, {followed} with {SUBSCRIBERS}")


async def _follow(bench: Bench, subscribers: int) -> tuple[int, list[float]]:
    order_id = await bench.place()
    is_here = asyncio.Semaphore(0)
    late: list[float] = []

    async def subscribe() -> None:
        is_first = True
        async for event in bench.events(order_id):
            if is_first:
                is_first = False
                is_here.release()
            if event["step"] in ("SHIP", "NOTIFY", "FINISH"):
                at = datetime.fromisoformat(event["at"])
                late.append((datetime.now(UTC) - at).total_seconds() * 1000)

    tasks = [asyncio.create_task(subscribe()) for _ in range(subscribers)]
    for _ in range(subscribers):
        await is_here.acquire()
    await _ship(bench, order_id)
    await asyncio.gather(*tasks)
    data = await bench.ask(HISTORY, {"id": order_id}, bench.operator)
    return data["workflow"]["state"]["historyLength"], late


async def shipping(bench: Bench) -> None:
    """Print how many orders one worker process takes from placement to shipment in a second."""
    turnstile = asyncio.Semaphore(AT_ONCE)

    async def place_and_ship() -> None:
        async with turnstile:
            await _ship(bench, await bench.place())

    begun = time.perf_counter()
    await asyncio.gather(*(place_and_ship() for _ in range(SHIPPED)))
    print(f"{SHIPPED / (time.perf_counter() - begun):.1f} orders/s from placement to shipment, one worker process")


async def _ship(bench: Bench, order_id: str) -> None:
    await bench.ask(CONFIRM, {"id": order_id}, bench.warehouse)
    while True:
        fulfilment = (await bench.ask(STATUS, {"id": order_id}, bench.customer))["order"]["fulfilment"]
        if fulfilment and fulfilment["status"] == "COMPLETED":
            return
        await asyncio.sleep(0.02)


async def measure(base: Platform) -> bool:
    """All of it; whether the bound holds."""
    temporal = await Client.connect(base.address(7233))
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=SUBSCRIBERS + AT_ONCE)
    async with httpx.AsyncClient(timeout=30, trust_env=False, limits=limits) as client:
        bench = Bench(base, client, temporal)
        for _ in range(ORDERS):  # warm in everything that is counted
            await _ship(bench, await bench.place())
        is_met = await placing(bench)
        await subscriptions(bench)
        await shipping(bench)
    return is_met


def main(arguments: list[str]) -> int:
    """The whole program; its exit code."""
    offset = int(arguments[0]) if arguments else 900
    with tempfile.TemporaryDirectory(prefix="bench-") as name, platform(Path(name), offset) as base:
        is_met = asyncio.run(measure(base))
    print(machine.sentence(machine.facts()))
    return 0 if is_met else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BenchmarkError as error:
        sys.exit(f"benchmarks: {error}")
