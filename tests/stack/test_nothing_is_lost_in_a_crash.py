"""`kill -9` of each process while orders are at each of their steps, and everything at once: one effect each.

`make test` stages an order at every step, kills one process, and goes on with the next one, so that each crash point is
met once; then a chaos of 20 orders. `make soak` (`--soak`) kills at every point by itself, and sends 200 orders.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
from xxhash import xxh64_intdigest

from tests.harness.chaos import ChaosHarness, Order, all_of
from tests.harness.consistency import inconsistencies, statuses
from tests.harness.eventually import eventually
from tests.harness.platform import Platform

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

#: The victims; the BFF last, since setting up the others needs it.
PROCESSES = ("valkey", "temporal", "worker", "web")
#: Where an order is held: the call that is made in this step, from the last step to the first.
HELD: dict[str, dict[str, Any]] = {
    "notify": {"service": "customers", "method": "GET", "suffix": None},
    "ship": {"service": "shipping", "method": "POST", "suffix": ""},
    "confirm": {"service": "orders", "method": "POST", "suffix": "/confirm"},
    "charge": {"service": "payments", "method": "POST", "suffix": ""},
    "reserve": {"service": "inventory", "method": "POST", "suffix": "/reservations"},
    "create": {"service": "orders", "method": "POST", "suffix": ""},
}
STEPS = (*HELD, "wait")
HOLD_MS = 4_000


@pytest.fixture
async def harness(platform: Platform) -> AsyncIterator[ChaosHarness]:
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        harness = ChaosHarness(platform, client)
        yield harness
        await harness.end_faults()


class Staged:
    """Orders, each held at its step."""

    def __init__(self, harness: ChaosHarness) -> None:
        self.harness = harness
        self.orders: dict[str, Order] = {}
        self._placing: list[asyncio.Task[Any]] = []

    async def stage(self, steps: Sequence[str]) -> None:
        """Bring an order to each of ``steps`` (in the order of `STEPS`, so that none is held on its way)."""
        late = [step for step in steps if step in ("notify", "ship", "wait")]
        for step in late:
            self.orders[step] = Order(product="prod_0031")
        await all_of(*(self.harness.place(self.orders[step]) for step in late))
        await all_of(*(self.harness.until(self.orders[step], "AWAITING_WAREHOUSE") for step in late))
        for step in steps:
            if step != "wait":
                await self._hold(step)

    async def settle(self) -> None:
        """Let everything end, as it would without a crash: placed once, shipped once, one email."""
        orders = list(self.orders.values())
        await all_of(*self._placing)
        await all_of(*(self.harness.place(order) for order in orders))
        assert [order.receipt["__typename"] for order in orders if order.receipt] == ["OrderPlaced"] * len(orders)
        await all_of(*(self.harness.until(order, "AWAITING_WAREHOUSE", "SHIPPING", "COMPLETED") for order in orders))
        await all_of(*(self.harness.confirm(order.id) for order in orders))
        await all_of(*(self.harness.until(order, "COMPLETED") for order in orders))
        await all_of(*(self.harness.place(order) for order in orders))  # a repeat gets the same receipt

    async def _hold(self, step: str) -> None:
        place = HELD[step]
        service = place["service"]
        before = await self.harness.hits(service)
        await self.harness.fault(**place, latency_ms=HOLD_MS)
        before = min(before, await self.harness.hits(service))
        if step in self.orders:
            await self.harness.confirm(self.orders[step].id)
        else:
            self.orders[step] = Order(product="prod_0031")
            self._placing.append(asyncio.create_task(self.harness.place(self.orders[step])))

        async def is_held() -> bool:
            return await self.harness.hits(service) > before

        await eventually(is_held, deadline_s=20, message=f"an order is held at {step}")


async def test_a_kill_at_any_step_leaves_one_effect_each(harness: ChaosHarness, soak: bool) -> None:
    before = await statuses(harness.dsn)
    points = [(process, (step,)) for step in STEPS for process in PROCESSES]
    staged: list[Staged] = []
    for process, steps in points if soak else [(process, STEPS) for process in PROCESSES]:
        group = Staged(harness)
        await group.stage(steps)
        await harness.kill(process)
        await harness.end_faults()
        staged.append(group)
        if soak:
            await group.settle()
    if not soak:
        await all_of(*(group.settle() for group in staged))

    orders = [order for group in staged for order in group.orders.values()]
    assert await inconsistencies(harness.dsn, settled=[order.id for order in orders]) == []
    made = {id_: status for id_, status in (await statuses(harness.dsn)).items() if id_ not in before}
    assert made == {order.id: "SHIPPED" for order in orders}  # and no other order
    emails = [file.read_text() for file in (harness.platform.data_dir / "outbox").glob("*.eml")]
    sent = [sum(f"Your order {order.id} is on its way" in email for email in emails) for order in orders]
    assert sent == [1] * len(orders)


def dice(sides: int, *what: object) -> int:
    """The same chaos in every run."""
    return xxh64_intdigest("/".join(map(str, what)).encode()) % sides


FAULTS: tuple[dict[str, Any], ...] = (
    {"service": "orders", "status": 503, "share": 0.2},
    {"service": "payments", "drop": True, "share": 0.2},
    {"service": "inventory", "latency_ms": 1_300, "share": 0.3},
    {"service": "shipping", "status": 500, "share": 0.4},
    {"service": "customers", "latency_ms": 400, "share": 0.5},
)


async def live(harness: ChaosHarness, number: int, killed: dict[int, str]) -> Order:
    """One customer's day: order, perhaps change their mind, perhaps meet a crash."""
    method = (None, None, None, "pm_timeout", "pm_declined")[dice(5, "method", number)]
    product = "prod_0500" if dice(10, "product", number) == 0 else f"prod_{40 + dice(5, number):04}"
    order = Order(product=product, method=method)
    placing = asyncio.create_task(harness.place(order))
    if number in killed:
        await harness.kill(killed[number])
    receipt = await placing
    if receipt["__typename"] != "OrderPlaced":
        return order
    if dice(3, "mind", number) == 0:
        await all_of(harness.cancel(order), harness.confirm(order.id))
    else:
        await harness.until(order, "AWAITING_WAREHOUSE", "SHIPPING", "COMPLETED")
        await harness.confirm(order.id)
    return order


async def test_the_data_is_consistent_after_a_chaos(harness: ChaosHarness, soak: bool) -> None:
    before = await statuses(harness.dsn)
    count, at_once = (200, 10) if soak else (20, 7)
    killed = {count * place // 6: process for place, process in enumerate(PROCESSES, 1)}
    for fault in FAULTS:
        await harness.fault(**fault)
    turnstile = asyncio.Semaphore(at_once)

    async def live_bounded(number: int) -> Order:
        async with turnstile:
            return await live(harness, number, killed)

    orders = await all_of(*(live_bounded(number) for number in range(count)))
    await harness.end_faults()

    placed = [order for order in orders if order.receipt["__typename"] == "OrderPlaced"]
    ends = await all_of(*(harness.until(order, "COMPLETED", "CANCELLED") for order in placed))
    assert {"COMPLETED", "CANCELLED"} == set(ends)
    await all_of(*(harness.place(order) for order in orders))  # every key gets its receipt again
    order_ids = [order_id for order_id in await statuses(harness.dsn) if order_id not in before]
    assert {order.id for order in placed} <= set(order_ids)
    assert len(order_ids) <= len(orders)  # those that were refused may have been written down before

    async def is_consistent() -> bool:
        return await inconsistencies(harness.dsn, settled=order_ids) == []

    try:
        await eventually(is_consistent, deadline_s=30, message="the data is consistent")
    except AssertionError:
        assert await inconsistencies(harness.dsn, settled=order_ids) == []
