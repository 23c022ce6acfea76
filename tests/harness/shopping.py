"""Customers who never give up: the same mutation under the same key until it has an answer, whatever fails meanwhile.

For tests that break things on purpose. One `Order` is one wish of one customer; `receipt` is what the first final
answer said of it, and every later one must say the same.
"""

import asyncio
import itertools
import os
import signal
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

from tests.harness.platform import Platform
from tests.harness.waiting import eventually

PATIENCE_S = 90.0
SERVICES = ("orders", "products", "payments", "inventory", "shipping", "recommendations")
_RETRIED = frozenset(
    {
        *("IDEMPOTENCY_IN_PROGRESS", "WORKFLOWS_UNAVAILABLE", "UPSTREAM_UNAVAILABLE", "UPSTREAM_TIMEOUT", "OVERLOADED"),
        "IDEMPOTENCY_STORE_UNAVAILABLE",
    }
)
_customers = itertools.count(100)


@dataclass(eq=False)
class Order:
    """What somebody wants, and what they were told."""

    product: str = "prod_0030"
    method: str | None = None
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    customer: str = field(default_factory=lambda: f"cust_{next(_customers):04}")
    receipt: dict[str, Any] | None = None

    @property
    def id(self) -> str:
        """The order's id, once it is placed."""
        assert self.receipt is not None
        return str(self.receipt["order"]["id"])


@dataclass
class Shop:
    """A platform as its customers and its warehouse use it."""

    platform: Platform
    client: httpx.AsyncClient

    async def place(self, order: Order) -> dict[str, Any]:
        """Until there is a final answer; it must be the one that was given before."""
        wanted = {"items": [{"productId": order.product, "quantity": 1}], "paymentMethodId": order.method}
        answer = await self._insist("PlaceOrderRequest", order.customer, {"input": wanted}, key=order.key)
        receipt = {name: value for name, value in answer.items() if name != "replayed"}
        if "order" in receipt:  # the receipt names the order; where it stands is another question
            receipt["order"] = {"id": receipt["order"]["id"]}
        assert order.receipt in (None, receipt), f"{order.key}: told {receipt}, before {order.receipt}"
        order.receipt = receipt
        return receipt

    async def cancel(self, order: Order) -> dict[str, Any]:
        """Until it is cancelled or refused."""
        return await self._insist("CancelOrder", order.customer, {"orderId": order.id})

    async def confirm(self, order_id: str) -> None:
        """Until the order's workflow has been told, or is no longer there."""
        body = {"query": "mutation($id: ID!) { confirmWarehouse(orderId: $id) { __typename } }"}
        headers = self.platform.staff("warehouse")
        await self._answered(body | {"variables": {"id": order_id}}, headers)

    async def fulfilment(self, order: Order) -> tuple[str, dict[str, str]]:
        """Where an order stands, and the state of each step."""
        body = {"query": "query($id: ID!) { order(id: $id) { fulfilment { status steps { name state } } } }"}
        data = await self._answered(body | {"variables": {"id": order.id}}, self.platform.customer(order.customer))
        found = data["order"] and data["order"]["fulfilment"]
        return ("", {}) if not found else (found["status"], {step["name"]: step["state"] for step in found["steps"]})

    async def until(self, order: Order, *wanted: str) -> str:
        """Wait until the order stands where it is ``wanted``; where that is."""

        async def stands() -> str | None:
            status, _ = await self.fulfilment(order)
            return status if status in wanted else None

        message = f"{order.id} is {' or '.join(wanted)}"
        return str(await eventually(stands, deadline_s=PATIENCE_S, message=message))

    async def _insist(
        self, operation: str, customer: str, variables: dict[str, Any], key: str | None = None
    ) -> dict[str, Any]:
        body = {"query": self.platform.operation("web", operation), "variables": variables}
        headers = self.platform.customer(customer) | ({"idempotency-key": key} if key else {})

        async def final() -> dict[str, Any]:
            payload: dict[str, Any]
            (payload,) = (await self._answered(body, headers)).values()
            return {} if payload["__typename"].endswith("Pending") else payload

        answer: dict[str, Any] = await eventually(
            final, deadline_s=PATIENCE_S, message=f"{operation} of {customer} has an answer"
        )
        return answer

    async def _answered(self, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        """``data``, asked again while something is away."""

        async def data() -> dict[str, Any]:
            try:
                answer = await self.client.post(f"{self.platform.edge}/web/graphql", json=body, headers=headers)
            except httpx.TransportError:
                return {}
            if answer.status_code >= 500 or "json" not in answer.headers.get("content-type", ""):
                return {}
            found: dict[str, Any] = answer.json()
            if not found.get("errors"):
                reply: dict[str, Any] = found["data"]
                return reply
            codes = {error["extensions"]["code"] for error in found["errors"]}
            assert codes <= _RETRIED, found["errors"]
            return {}

        return await eventually(data, deadline_s=PATIENCE_S, message="an answer without errors")

    # --- what breaks -------------------------------------------------------------------------------------------------

    async def fault(self, service: str, **fault: Any) -> None:
        """Break ``service`` on both sides of its route."""
        for address in self._sides(service):
            answer = await self.client.put(address, json={"prefix": f"/api/{service}"} | fault)
            assert answer.is_success, answer.text

    async def hits(self, service: str) -> int:
        """How many requests the faults of ``service`` have met, on both sides."""
        answers = [(await self.client.get(address)).json() for address in self._sides(service)]
        return sum(fault["seen"] for faults in answers for fault in faults)

    async def mend(self) -> None:
        """End every fault."""
        for port in range(9000, 9008):
            await self.client.delete(f"{self.platform.url(port)}/__fault")

    async def kill(self, name: str) -> None:
        """`kill -9` a process, and wait until its successor is ready."""
        before = self._process(name)
        os.kill(before["pid"], signal.SIGKILL)

        def is_back() -> bool:
            now = self._process(name)
            return bool(now["restarts"] > before["restarts"] and now["state"] == "ready")

        await eventually(is_back, deadline_s=PATIENCE_S, message=f"{name} is back")

    def _process(self, name: str) -> dict[str, Any]:
        record = msgspec.json.decode((self.platform.data_dir / "run" / "processes.json").read_bytes())
        (found,) = [process for process in record["processes"] if process["name"] == name]
        return dict(found)

    def _sides(self, service: str) -> list[str]:
        own = 9001 + ("customers", *SERVICES).index(service)
        return [f"{self.platform.url(port)}/__fault" for port in (9000, own)]

    @property
    def dsn(self) -> str:
        """The database behind all services."""
        return f"postgresql://matapalo@127.0.0.1:{5439 + self.platform.offset}/matapalo"


async def all_of(*work: Any) -> list[Any]:
    """The results of all, in their order; the first failure is raised when all have ended."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return list(results)
