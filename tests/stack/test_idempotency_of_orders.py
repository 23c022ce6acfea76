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
from tests.harness.burst import Answered, burst
from tests.harness.platform import LIFETIME, Platform
from tests.harness.replicas import OwnRedis, Replica, own_redis, replica
from tests.harness.waiting import eventually, eventually_sync

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
class Shop:
    """Two processes and a customer with room in their limits."""

    platform: Platform
    redis: OwnRedis
    one: Replica
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
        """What was charged for an order, by the service's own account."""
        headers = self.platform.staff("operator")
        answer = await self.http.get(f"{self.platform.edge}/api/payments?order_ids={order_id}", headers=headers)
        found: list[Any] = answer.json()["items"]
        return found

    async def orders(self) -> set[str]:
        """The customer's newest orders."""
        url = f"{self.platform.edge}/api/orders?customer_id=cust_0042&limit=100"
        answer = await self.http.get(url, headers=self.platform.staff("operator"))
        return {order["id"] for order in answer.json()["items"]}

    async def fault(self, **fault: Any) -> None:
        """What the monolith, which has the payments, does wrong from now on."""
        url = f"{self.platform.url(9000)}/__fault"
        answer = await self.http.put(url, json={"prefix": "/api/payments", **fault})
        assert answer.is_success, answer.text

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


def _outcome(answer: httpx.Response | Answered) -> Any:
    """What `placeOrder` answered: its outcome, or the code of its error."""
    body = answer.json()
    if "errors" in body:
        return body["errors"][0]["extensions"]["code"]
    return body["data"]["placeOrder"]


@pytest.fixture(scope="module")
def processes(platform: Platform, engines_dir: Path) -> Iterator[tuple[OwnRedis, Replica, Replica]]:
    with ExitStack() as stack:
        redis = stack.enter_context(own_redis(engines_dir))
        one, other = (stack.enter_context(replica(platform, redis.url, engines_dir, **PATIENT)) for _ in range(2))
        one.wait_until_ready()
        other.wait_until_ready()
        yield redis, one, other


@pytest.fixture
async def shop(platform: Platform, processes: tuple[OwnRedis, Replica, Replica]) -> AsyncIterator[Shop]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
    async with httpx.AsyncClient(timeout=15, trust_env=False, limits=limits) as http:
        made = Shop(platform, *processes, http)
        yield made
        await made.clear_fault()


@pytest.fixture
async def valkey(processes: tuple[OwnRedis, Replica, Replica]) -> AsyncIterator[Redis]:
    client = Redis.from_url(processes[0].url)
    yield client
    await client.aclose()


async def test_five_hundred_at_once_are_one_order_and_one_charge(shop: Shop):
    key, before = str(uuid.uuid4()), await shop.orders()
    urls = [shop.one.url, shop.other.url] * 250
    answers = await burst(urls, {"query": PLACE, "variables": an_input()}, shop.headers(key))
    outcomes = [_outcome(answer) for answer in answers]
    receipts = [each for each in outcomes if isinstance(each, dict) and each["__typename"] == "OrderPlaced"]
    receipt = receipts[0] if receipts else await shop.placed(shop.one, key)

    assert [each for each in outcomes if each not in (receipt, "IDEMPOTENCY_IN_PROGRESS")] == []
    assert all(
        answer.headers["retry-after"] == "1" for answer in answers if _outcome(answer) == "IDEMPOTENCY_IN_PROGRESS"
    )
    for process in (shop.one, shop.other):
        again = await shop.place(process, key)
        assert (_outcome(again), again.headers["idempotency-replayed"]) == (receipt, "true")
    assert await shop.orders() - before == {receipt["order"]["id"]}
    assert [payment["status"] for payment in await shop.payments(receipt["order"]["id"])] == ["CHARGED"]


async def test_a_repeat_after_redis_lost_everything_gets_the_first_answer(shop: Shop, valkey: Redis):
    key = str(uuid.uuid4())
    receipt = await shop.placed(shop.one, key)
    await valkey.flushall()
    again = await shop.place(shop.other, key)
    assert (_outcome(again), again.headers["idempotency-replayed"]) == (receipt, "true")
    await valkey.flushall()
    assert _outcome(await shop.place(shop.one, key, quantity=2)) == "IDEMPOTENCY_KEY_REUSED"
    assert len(await shop.payments(receipt["order"]["id"])) == 1


async def test_while_redis_does_not_answer_orders_are_placed_once_all_the_same(shop: Shop):
    key = str(uuid.uuid4())
    shop.redis.pause()
    try:
        receipt = await shop.placed(shop.one, key)
        again = await shop.place(shop.other, key)
    finally:
        shop.redis.go_on()
    assert _outcome(again) == receipt
    told = again.json()["extensions"]["idempotency"]["placeOrder"]
    assert told == {"replayed": True, "degraded": True}
    assert await shop.placed(shop.other, key) == receipt
    assert len(await shop.payments(receipt["order"]["id"])) == 1


async def test_another_process_goes_on_where_a_killed_one_stopped(
    shop: Shop, valkey: Redis, platform: Platform, engines_dir: Path
):
    key = str(uuid.uuid4())
    await shop.fault(latency_ms=700)
    with replica(platform, shop.redis.url, engines_dir, **PATIENT) as victim:
        victim.wait_until_ready()
        await valkey.flushall()
        asking = asyncio.create_task(shop.place(victim, key))
        await eventually(lambda: _is_begun(valkey), message="the victim has begun")
        victim.kill()
        with pytest.raises(httpx.TransportError):
            await asking
    receipt = await shop.placed(shop.other, key)
    assert [payment["status"] for payment in await shop.payments(receipt["order"]["id"])] == ["CHARGED"]


async def test_a_process_that_slept_past_its_lease_answers_as_its_successor_did(shop: Shop, valkey: Redis):
    key = str(uuid.uuid4())
    await shop.fault(latency_ms=700)
    await valkey.flushall()
    asking = asyncio.create_task(shop.place(shop.one, key))
    await eventually(lambda: _is_begun(valkey), message="the sleeper has begun")
    shop.one.pause()
    try:
        receipt = await shop.placed(shop.other, key)
    finally:
        shop.one.go_on()
    assert _outcome(await asking) in (receipt, "IDEMPOTENCY_IN_PROGRESS")
    assert _outcome(await shop.place(shop.one, key)) == receipt
    assert len(await shop.payments(receipt["order"]["id"])) == 1


async def test_a_client_that_leaves_finds_its_order_when_it_is_back(shop: Shop):
    key = str(uuid.uuid4())
    await shop.fault(latency_ms=300)
    with pytest.raises(httpx.ReadTimeout):
        await shop.place(shop.one, key, timeout=0.1)
    receipt = await shop.placed(shop.other, key)
    assert len(await shop.payments(receipt["order"]["id"])) == 1


async def test_a_repeat_may_select_something_else(shop: Shop):
    key = str(uuid.uuid4())
    receipt = await shop.placed(shop.one, key)
    query = """
    mutation Again($input: PlaceOrderInput!) {
      placeOrder(input: $input) { ... on OrderPlaced { replayed order { customer { id } items { quantity } } } }
    }"""
    again = _outcome(await shop.place(shop.other, key, query=query))
    assert again == {"replayed": True, "order": {"customer": {"id": "cust_0042"}, "items": [{"quantity": 1}]}}
    assert receipt["order"]["id"]


def test_a_persisted_operation_is_repeated_by_its_hash_alone(platform: Platform):
    payload = platform.persisted("PlaceOrder") | {"variables": an_input()}
    headers = platform.customer("cust_0044") | {"idempotency-key": str(uuid.uuid4())}

    def replayed() -> Any:
        answer = platform.graphql("mobile", payload, headers)
        return answer.data["placeOrder"] if "idempotency-replayed" in answer.headers else None

    found = eventually_sync(replayed, deadline_s=20, message="the order is placed and replayed")
    assert (found["__typename"], found["replayed"]) == ("OrderPlaced", True)


async def test_redis_holds_nothing_that_can_be_read(shop: Shop, valkey: Redis):
    await valkey.flushall()
    key, phone = str(uuid.uuid4()), "+49 30 5550042"
    await shop.placed(shop.one, key)
    update = {"query": UPDATE, "variables": {"phone": phone}}
    answer = await shop.http.post(shop.one.url, json=update, headers=shop._token() | {"idempotency-key": key})
    customer = answer.json()["data"]["updateProfile"]["customer"]
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
    found: Any = await (valkey.get(name) if await valkey.type(name) == b"string" else valkey.dump(name))
    return bytes(name) + bytes(found)
