"""A platform that is broken on purpose, and customers who send a mutation under its key until the result is final.

One `Order` is one order of one customer; `receipt` is what the first final result said of it, and every later one must
say the same.
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

from tests.harness.eventually import eventually
from tests.harness.platform import Platform

DEADLINE_S = 90.0
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
    """What a customer orders, and the receipt for it."""

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
class ChaosHarness:
    """A platform as its customers and its warehouse use it, and its faults."""

    platform: Platform
    client: httpx.AsyncClient

    async def place(self, order: Order) -> dict[str, Any]:
        """Place it until the result is final; its receipt must be that of every earlier result."""
        lines = {"items": [{"productId": order.product, "quantity": 1}], "paymentMethodId": order.method}
        payload = await self._run("PlaceOrder", order.customer, {"input": lines}, key=order.key)
        receipt = {name: value for name, value in payload.items() if name != "replayed"}
        if "order" in receipt:  # the receipt names the order; where it stands is another question
            receipt["order"] = {"id": receipt["order"]["id"]}
        assert order.receipt in (None, receipt), f"{order.key}: {receipt}, before {order.receipt}"
        order.receipt = receipt
        return receipt

    async def cancel(self, order: Order) -> dict[str, Any]:
        """Cancel it until it is cancelled or refused."""
        return await self._run("CancelOrder", order.customer, {"orderId": order.id})

    async def confirm(self, order_id: str) -> None:
        """Confirm until the order's workflow has the signal, or is no longer running."""
        body = {"query": "mutation($id: ID!) { confirmWarehouse(orderId: $id) { __typename } }"}
        headers = self.platform.staff("warehouse")
        await self._data(body | {"variables": {"id": order_id}}, headers)

    async def fulfilment(self, order: Order) -> tuple[str, dict[str, str]]:
        """The status of an order, and the state of each step."""
        body = {"query": "query($id: ID!) { order(id: $id) { fulfilment { status steps { name state } } } }"}
        data = await self._data(body | {"variables": {"id": order.id}}, self.platform.customer(order.customer))
        fulfilment = data["order"] and data["order"]["fulfilment"]
        if not fulfilment:
            return "", {}
        return fulfilment["status"], {step["name"]: step["state"] for step in fulfilment["steps"]}

    async def until(self, order: Order, *statuses: str) -> str:
        """Wait until the order has one of ``statuses``; which one."""

        async def reached() -> str | None:
            status, _ = await self.fulfilment(order)
            return status if status in statuses else None

        message = f"{order.id} is {' or '.join(statuses)}"
        return str(await eventually(reached, deadline_s=DEADLINE_S, message=message))

    async def _run(
        self, operation: str, customer: str, variables: dict[str, Any], key: str | None = None
    ) -> dict[str, Any]:
        body = {"query": self.platform.operation("web", operation), "variables": variables}
        headers = self.platform.customer(customer) | ({"idempotency-key": key} if key else {})

        async def final() -> dict[str, Any]:
            (result,) = (await self._data(body, headers)).values()
            return {} if result["__typename"].endswith("Pending") else dict(result)

        payload: dict[str, Any] = await eventually(
            final, deadline_s=DEADLINE_S, message=f"{operation} of {customer} has a final result"
        )
        return payload

    async def _data(self, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        """``data``, requested again while something is away."""

        async def data() -> dict[str, Any]:
            try:
                response = await self.client.post(f"{self.platform.edge}/web/graphql", json=body, headers=headers)
            except httpx.TransportError:
                return {}
            if response.status_code >= 500 or "json" not in response.headers.get("content-type", ""):
                return {}
            payload = response.json()
            if payload.get("errors"):
                assert {error["extensions"]["code"] for error in payload["errors"]} <= _RETRIED, payload["errors"]
                return {}
            return dict(payload["data"])

        return await eventually(data, deadline_s=DEADLINE_S, message="a response without errors")

    # --- what breaks -------------------------------------------------------------------------------------------------

    async def fault(self, service: str, **fault: Any) -> None:
        """Break ``service`` on both sides of its route."""
        for address in self._sides(service):
            response = await self.client.put(address, json={"prefix": f"/api/{service}"} | fault)
            assert response.is_success, response.text

    async def hits(self, service: str) -> int:
        """How many requests the faults of ``service`` have met, on both sides."""
        sides = [(await self.client.get(address)).json() for address in self._sides(service)]
        return sum(fault["seen"] for faults in sides for fault in faults)

    async def end_faults(self) -> None:
        """End the faults of all services, on both sides."""
        for port in range(9000, 9008):
            await self.client.delete(f"{self.platform.url(port)}/__fault")

    async def kill(self, name: str) -> None:
        """`kill -9` a process, and wait until its successor is ready."""
        before = self._process(name)
        os.kill(before["pid"], signal.SIGKILL)

        def is_back() -> bool:
            now = self._process(name)
            return bool(now["restarts"] > before["restarts"] and now["state"] == "ready")

        await eventually(is_back, deadline_s=DEADLINE_S, message=f"{name} is back")

    def _process(self, name: str) -> dict[str, Any]:
        record = msgspec.json.decode((self.platform.data_dir / "run" / "processes.json").read_bytes())
        (process,) = [process for process in record["processes"] if process["name"] == name]
        return dict(process)

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
