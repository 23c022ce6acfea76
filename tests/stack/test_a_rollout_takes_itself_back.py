"""With a new side that fails, is slow or is wrong, a rollout ends at 0 % by itself, says why, and no reader notices."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.harness.eventually import eventually_sync
from tests.harness.platform import Platform

pytestmark = pytest.mark.stack

READERS = 60
PER_SECOND = 45
DEADLINE_S = 45
PATCH = [
    {"op": "replace", "path": "/items/0/total/amount_minor", "value": 1},
    {"op": "add", "path": "/items/0/discount", "value": 0},
]


class Readers(threading.Thread):
    """Customers who read their orders until they are stopped, and the statuses they got."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(daemon=True)
        self.statuses: Counter[int] = Counter()
        self._address = f"{platform.edge}/api/orders?limit=2"
        self._headers = [platform.customer(f"cust_{number:04}") for number in range(1, READERS + 1)]
        self._stopping = threading.Event()

    def run(self) -> None:
        asyncio.run(self._read())

    def stop(self) -> None:
        self._stopping.set()
        self.join(timeout=15)

    async def _read(self) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=10) as http, asyncio.TaskGroup() as group:
            begun, number = time.monotonic(), 0
            while not self._stopping.is_set():
                group.create_task(self._ask(http, number))
                number += 1
                await asyncio.sleep(max(0, begun + number / PER_SECOND - time.monotonic()))

    async def _ask(self, http: httpx.AsyncClient, number: int) -> None:
        self.statuses[(await http.get(self._address, headers=self._headers[number % READERS])).status_code] += 1


class Operator:
    """The commands of an operator, and the API for what no command shows."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def __call__(self, *arguments: str) -> Any:
        done = self.platform.run(*arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if "--json" in arguments else done.stdout

    def api(self, method: str, path: str) -> Any:
        url, headers = f"{self.platform.url(8010)}/admin{path}", self.platform.staff("operator")
        response = httpx.request(method, url, headers=headers, timeout=10, trust_env=False)
        assert response.is_success, response.text
        return response.json() if response.content else None

    def ended(self) -> Any:
        """The rollout of the orders, once it is over."""

        def over() -> Any:
            view = self.api("GET", "/rollouts/orders")
            return view if view["finished_at"] else None

        return eventually_sync(over, deadline_s=DEADLINE_S, message="the rollout ends")


@pytest.fixture
def operator(platform: Platform) -> Iterator[Operator]:
    """Half of the readers are on the new side; afterwards everything is as before."""
    operator = Operator(platform)
    before = operator.api("GET", "/routes/orders")
    if before["share_bp"] != 5_000:
        operator("routes", "set", "orders", "--percent", "50", "--reason", "before a test")
    yield operator
    operator("fault", "clear", "orders")
    now = operator.api("GET", "/routes/orders")
    if (now["share_bp"], now["shadow_bp"]) != (before["share_bp"], before["shadow_bp"]):
        percent, shadow = str(before["share_bp"] / 100), str(before["shadow_bp"] / 100)
        operator("routes", "set", "orders", "--percent", percent, "--shadow", shadow, "--reason", "after a test")
    operator.api("DELETE", "/routes/orders/differences")


@pytest.fixture
def readers(platform: Platform, operator: Operator) -> Iterator[Readers]:
    readers = Readers(platform)
    readers.start()
    yield readers
    readers.stop()


def started(operator: Operator, *, failures: int) -> None:
    plan = ("--plan", "50% for 10 minutes, 100%", "--check-every-s", "2", "--failures", str(failures))
    operator("rollout", "start", "/api/orders", *plan, "--reason", "a quiet week", "--json")


def test_a_side_that_fails_a_fifth_of_its_requests(operator: Operator, readers: Readers) -> None:
    started(operator, failures=3)
    operator("fault", "set", "orders", "--share", "0.2", "--status", "500")
    view = operator.ended()
    readers.stop()

    assert view["phase"] == "ROLLED_BACK"
    assert "the ceiling is 5.00%" in view["because"]
    assert view["verdict"]["outcome"] == "FAIL"
    assert operator.api("GET", "/routes/orders")["share_bp"] == 0
    assert set(readers.statuses) == {200}, readers.statuses
    (change,) = operator.api("GET", "/routes/orders/history?limit=1")["changes"]
    assert change["by"] == "rollout:orders"
    assert change["evidence"]["verdict"]["outcome"] == "FAIL"
    assert "rolled back by rollout:orders" in operator("rollout", "status", "orders")


def test_a_side_that_is_slow(operator: Operator, readers: Readers) -> None:
    started(operator, failures=1)
    operator("fault", "set", "orders", "--latency-ms", "150")
    view = operator.ended()
    readers.stop()

    assert view["phase"] == "ROLLED_BACK"
    assert "a request of new takes typically +1" in view["because"]
    assert operator.api("GET", "/routes/orders")["share_bp"] == 0
    assert set(readers.statuses) == {200}, readers.statuses


def test_a_side_that_is_wrong_now_and_then(operator: Operator, readers: Readers) -> None:
    operator("routes", "set", "orders", "--shadow", "100", "--reason", "compare all reads")
    operator("fault", "set", "orders", "--share", "0.03", "--patch", json.dumps(PATCH))
    started(operator, failures=1)
    view = operator.ended()
    readers.stop()

    assert view["phase"] == "ROLLED_BACK"
    differences = operator.api("GET", "/routes/orders/differences")
    wrong = {field["path"]: field for field in differences["fields"] if field["standing"] == "different"}
    assert set(wrong) <= {"$.items[*].total.amount_minor", "$.items[*].discount"}
    (path, field), *_ = wrong.items()
    assert path in view["because"]
    assert field["samples"][0]["new"]["body"]["items"][0]["total"]["amount_minor"] == 1
    assert field["samples"][0]["legacy"]["body"]["items"][0]["customer_id"] == "(text)"
    assert operator.api("GET", "/routes/orders")["share_bp"] == 0
    assert set(readers.statuses) == {200}, readers.statuses
