"""`placeOrder` under one key, through two processes of the BFF, while things go wrong: one order, one charge.

The two processes share a Valkey of their own, which these tests may stop and empty.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from matapalo.launcher import keys
from matapalo.launcher.keys import Role, Tier
from tests.harness.eventually import eventually, eventually_sync
from tests.harness.platform import LIFETIME, Platform
from tests.harness.replicas import OwnRedis, Replica, own_redis, replica
from tests.harness.simultaneous_requests import JsonResponse, post_at_once

pytestmark = pytest.mark.stack

#: A short lease, not to wait long for the dead; long deadlines, since a busy machine is no failure.
PATIENT = {"idempotency_lease": 2, "mutation_deadline": 20}
PLACE = """
mutation Place($input: PlaceOrderInput!) {
  placeOrder(input: $input) {
    __typename
    ... on OrderPlaced { order { id status payment { id amount { amount } } } workflow { id runId startedAt } }
    ... on OrderPending { orderId }
  }
}
"""


@dataclass
class Harness:
    """Two processes and a customer with room in their limits."""

    platform: Platform
    redis: OwnRedis
    first: Replica
    other: Replica
    http: httpx.AsyncClient

    async def place(
        self, at: Replica, key: str, *, query: str = PLACE, quantity: int = 1, **how: Any
    ) -> httpx.Response:
        body = {"query": query, "variables": an_input(quantity)}
        return await self.http.post(at.url, json=body, headers=self.headers(key), **how)

    def headers(self, key: str) -> dict[str, str]:
        """What comes with a mutation."""
        return {"idempotency-key": key, "accept": "application/graphql-response+json"} | self._token()

    async def placed(self, at: Replica, key: str, **how: Any) -> Any:
        """The receipt, once there is one: pending and in progress are asked again."""

        async def settled() -> Any:
            outcome = _outcome(await self.place(at, key, **how))
            return outcome if isinstance(outcome, dict) and outcome["__typename"] == "OrderPlaced" else None

        return await eventually(settled, deadline_s=20, message="the order is placed")

    async def payments(self, order_id: str) -> list[Any]:
        """What was charged for an order, as the service itself has it."""
        headers = self.platform.staff("operator")
        response = await self.http.get(f"{self.platform.edge}/api/payments?order_ids={order_id}", headers=headers)
        return list(response.json()["items"])

    async def orders(self) -> set[str]:
        """The customer's newest orders."""
        url = f"{self.platform.edge}/api/orders?customer_id=cust_0042&limit=100"
        response = await self.http.get(url, headers=self.platform.staff("operator"))
        return {order["id"] for order in response.json()["items"]}

    async def fault(self, **fault: Any) -> None:
        """What the monolith, which has the payments, does wrong from now on."""
        url = f"{self.platform.url(9000)}/__fault"
        response = await self.http.put(url, json={"prefix": "/api/payments", **fault})
        assert response.is_success, response.text

    async def clear_fault(self) -> None:
        assert (await self.http.delete(f"{self.platform.url(9000)}/__fault")).is_success

    def _token(self) -> dict[str, str]:
        signed = keys.token(
            self.platform.data_dir / "keys",
            subject="cust_0042",
            tier=Tier.ENTERPRISE,
            role=Role.CUSTOMER,
            cohort=None,
            lifetime=LIFETIME,
        )
        return {"authorization": f"Bearer {signed}"}


def an_input(quantity: int = 1) -> dict[str, Any]:
    """The variables of `PLACE`."""
    return {"input": {"items": [{"productId": "prod_0011", "quantity": quantity}]}}


def _outcome(response: httpx.Response | JsonResponse) -> Any:
    """The result of `placeOrder`: its outcome, or the code of its error."""
    body = response.json()
    if "errors" in body:
        return body["errors"][0]["extensions"]["code"]
    return body["data"]["placeOrder"]


@pytest.fixture(scope="module")
def processes(platform: Platform, engines_dir: Path) -> Iterator[tuple[OwnRedis, Replica, Replica]]:
    with ExitStack() as stack:
        redis = stack.enter_context(own_redis(engines_dir))
        first, other = (stack.enter_context(replica(platform, redis.url, engines_dir, **PATIENT)) for _ in range(2))
        first.wait_until_ready()
        other.wait_until_ready()
        yield redis, first, other


@pytest.fixture
async def harness(platform: Platform, processes: tuple[OwnRedis, Replica, Replica]) -> AsyncIterator[Harness]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
    async with httpx.AsyncClient(timeout=15, trust_env=False, limits=limits) as http:
        harness = Harness(platform, *processes, http)
        yield harness
        await harness.clear_fault()


@pytest.fixture
async def valkey(processes: tuple[OwnRedis, Replica, Replica]) -> AsyncIterator[Redis]:
    client = Redis.from_url(processes[0].url)
    yield client
    await client.aclose()


async def test_five_hundred_at_once_are_one_order_and_one_charge(harness: Harness):
    key, before = str(uuid.uuid4()), await harness.orders()
    urls = [harness.first.url, harness.other.url] * 250
    responses = await post_at_once(urls, {"query": PLACE, "variables": an_input()}, harness.headers(key))
    outcomes = [_outcome(response) for response in responses]
    receipts = [outcome for outcome in outcomes if isinstance(outcome, dict) and outcome["__typename"] == "OrderPlaced"]
    receipt = receipts[0] if receipts else await harness.placed(harness.first, key)

    assert [outcome for outcome in outcomes if outcome not in (receipt, "IDEMPOTENCY_IN_PROGRESS")] == []
    assert all(
        response.headers["retry-after"] == "1"
        for response in responses
        if _outcome(response) == "IDEMPOTENCY_IN_PROGRESS"
    )
    for process in (harness.first, harness.other):
        again = await harness.place(process, key)
        assert (_outcome(again), again.headers["idempotency-replayed"]) == (receipt, "true")
    assert await harness.orders() - before == {receipt["order"]["id"]}
    assert [payment["status"] for payment in await harness.payments(receipt["order"]["id"])] == ["CHARGED"]


async def test_a_repeat_after_redis_lost_all_gets_the_first_result(harness: Harness, valkey: Redis):
    key = str(uuid.uuid4())
    receipt = await harness.placed(harness.first, key)
    await valkey.flushall()
    again = await harness.place(harness.other, key)
    assert (_outcome(again), again.headers["idempotency-replayed"]) == (receipt, "true")
    await valkey.flushall()
    assert _outcome(await harness.place(harness.first, key, quantity=2)) == "IDEMPOTENCY_KEY_REUSED"
    assert len(await harness.payments(receipt["order"]["id"])) == 1


async def test_while_redis_is_paused_orders_are_placed_once(harness: Harness):
    key = str(uuid.uuid4())
    harness.redis.pause()
    try:
        receipt = await harness.placed(harness.first, key)
        again = await harness.place(harness.other, key)
    finally:
        harness.redis.resume()
    assert _outcome(again) == receipt
    report = again.json()["extensions"]["idempotency"]["placeOrder"]
    assert report == {"replayed": True, "degraded": True}
    assert await harness.placed(harness.other, key) == receipt
    assert len(await harness.payments(receipt["order"]["id"])) == 1


async def test_another_process_goes_on_where_a_killed_one_stopped(
    harness: Harness, valkey: Redis, platform: Platform, engines_dir: Path
):
    key = str(uuid.uuid4())
    await harness.fault(latency_ms=700)
    with replica(platform, harness.redis.url, engines_dir, **PATIENT) as victim:
        victim.wait_until_ready()
        await valkey.flushall()
        placing = asyncio.create_task(harness.place(victim, key))
        await eventually(lambda: _is_begun(valkey), message="the victim has begun")
        victim.kill()
        with pytest.raises(httpx.TransportError):
            await placing
    receipt = await harness.placed(harness.other, key)
    assert [payment["status"] for payment in await harness.payments(receipt["order"]["id"])] == ["CHARGED"]


async def test_a_process_past_its_lease_returns_its_successors_result(harness: Harness, valkey: Redis):
    key = str(uuid.uuid4())
    await harness.fault(latency_ms=700)
    await valkey.flushall()
    placing = asyncio.create_task(harness.place(harness.first, key))
    await eventually(lambda: _is_begun(valkey), message="the sleeper has begun")
    harness.first.pause()
    try:
        receipt = await harness.placed(harness.other, key)
    finally:
        harness.first.resume()
    assert _outcome(await placing) in (receipt, "IDEMPOTENCY_IN_PROGRESS")
    assert _outcome(await harness.place(harness.first, key)) == receipt
    assert len(await harness.payments(receipt["order"]["id"])) == 1


async def test_a_client_that_leaves_finds_its_order_when_it_is_back(harness: Harness):
    key = str(uuid.uuid4())
    await harness.fault(latency_ms=300)
    with pytest.raises(httpx.ReadTimeout):
        await harness.place(harness.first, key, timeout=0.1)
    receipt = await harness.placed(harness.other, key)
    assert len(await harness.payments(receipt["order"]["id"])) == 1


async def test_a_repeat_may_select_something_else(harness: Harness):
    key = str(uuid.uuid4())
    receipt = await harness.placed(harness.first, key)
    query = """
    mutation Again($input: PlaceOrderInput!) {
      placeOrder(input: $input) { ... on OrderPlaced { replayed order { customer { id } items { quantity } } } }
    }"""
    again = _outcome(await harness.place(harness.other, key, query=query))
    assert again == {"replayed": True, "order": {"customer": {"id": "cust_0042"}, "items": [{"quantity": 1}]}}
    assert receipt["order"]["id"]


def test_a_persisted_operation_is_repeated_by_its_hash_alone(platform: Platform):
    payload = platform.persisted("PlaceOrder") | {"variables": an_input()}
    headers = platform.customer("cust_0044") | {"idempotency-key": str(uuid.uuid4())}

    def replayed() -> Any:
        response = platform.graphql("mobile", payload, headers)
        return response.data["placeOrder"] if "idempotency-replayed" in response.headers else None

    payload = eventually_sync(replayed, deadline_s=20, message="the order is placed and replayed")
    assert (payload["__typename"], payload["replayed"]) == ("OrderPlaced", True)


async def test_redis_holds_nothing_that_can_be_read(harness: Harness, valkey: Redis):
    await valkey.flushall()
    key, phone = str(uuid.uuid4()), "+49 30 5550042"
    await harness.placed(harness.first, key)
    update = {"query": UPDATE, "variables": {"phone": phone}}
    response = await harness.http.post(
        harness.first.url, json=update, headers=harness._token() | {"idempotency-key": key}
    )
    customer = response.json()["data"]["updateProfile"]["customer"]
    assert customer["phone"] == phone
    names: list[Any] = await valkey.keys("*")
    stored = b"".join([await _dumped(valkey, name) for name in names])
    assert stored.count(b"idem:") == 2
    for text in (key, phone, customer["name"], customer["email"], "prod_0011"):
        assert text.encode() not in stored
    # Whose limits a counter holds is in its name, by the same id that routes the customer's requests.
    assert [name for name in names if b"cust_0042" in await _dumped(valkey, name) and not name.startswith(b"rl:")] == []


UPDATE = """
mutation Update($phone: String!) {
  updateProfile(input: {phone: $phone}) { ... on ProfileUpdated { customer { name email phone } } }
}
"""


async def _is_begun(valkey: Redis) -> bool:
    return bool(await valkey.keys("idem:*"))


async def _dumped(valkey: Redis, name: Any) -> bytes:
    value: Any = await (valkey.get(name) if await valkey.type(name) == b"string" else valkey.dump(name))
    return bytes(name) + bytes(value)
