"""The comparator with its findings on a real Redis; the services are functions."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from matapalo.strangler.errors import InvalidSettings
from matapalo.strangler.settings import Upstream
from matapalo.strangler.shadow.app import compare_app, kept_fields, outcome_counter
from matapalo.strangler.shadow.comparator import Comparator, Mirrored, without_values
from matapalo.strangler.shadow.consistency import Consistency, Standing
from matapalo.strangler.shadow.findings import Findings
from matapalo.strangler.store.slices import Slices
from tests.harness.clock import FakeClock
from tests.harness.eventually import eventually
from tests.matapalo.strangler.builders import a_document, a_route
from tests.matapalo.strangler.fakes import FakeRouteStore

pytestmark = pytest.mark.stack

UPSTREAMS = {"legacy": Upstream("legacy", 80), "orders": Upstream("orders", 80)}
SEEDED = random.Random(5)  # noqa: S311 - reproducible


def an_order(number: int) -> dict[str, Any]:
    """With a time and an id that are never the same twice, and a stock that is random."""
    return {
        "id": f"ord_{number}",
        "total": {"amount_minor": 1_000 + number},
        "generated_at": f"2026-01-01T00:00:{SEEDED.random() * 60:09.6f}Z",
        "trace_id": SEEDED.getrandbits(64),
        "stock": SEEDED.randrange(2),
        "email": "maria@example.com",
    }


class Harness:
    """A comparator, its findings, and both sides of the orders."""

    def __init__(self, redis: Redis, clock: FakeClock) -> None:
        self.clock = clock
        self.requests: list[httpx.Request] = []
        self.new: Callable[[dict[str, Any], int], Any] = lambda order, number: order
        self.findings = Findings(redis, Slices(redis, clock=clock, fine_s=10), clock=clock)
        self.store = FakeRouteStore(a_document(1, a_route(shadow_bp=10_000)))
        self.registry = CollectorRegistry()
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self.respond))
        self.comparator = Comparator(
            store=self.store,
            findings=self.findings,
            http=self.http,
            upstreams=UPSTREAMS,
            keep={"orders": {"$.id", "$.total.amount_minor"}},
            clock=clock,
            count=outcome_counter(self.registry),
            queue=2,
        )

    def respond(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        number = int(request.url.path.rpartition("/")[2])
        body: Any = an_order(number)
        if request.url.host == "orders":
            body = self.new(body, number)
        return httpx.Response(body if isinstance(body, int) else 200, json=body)

    async def compare(self, count: int) -> None:
        for number in range(count):
            await self.comparator.compare(Mirrored(f"/api/orders/{number}", {"x-user-id": "cust_1"}))

    async def consistency(self) -> Consistency:
        return await self.findings.read("orders", since=self.clock.now() - timedelta(minutes=1), significance=0.01)

    async def standings(self) -> dict[str, Standing]:
        return {field.path: field.standing for field in (await self.consistency()).fields}

    def outcomes(self, outcome: str) -> float | None:
        return self.registry.get_sample_value("gateway_compare_requests_total", {"outcome": outcome})


@pytest_asyncio.fixture
async def harness(redis: Redis, clock: FakeClock) -> AsyncIterator[Harness]:
    harness = Harness(redis, clock)
    yield harness
    await harness.http.aclose()


async def test_a_wrong_total_and_an_added_field_are_told_from_noise(harness: Harness) -> None:
    def planted(order: dict[str, Any], number: int) -> dict[str, Any]:
        wrong = {"total": {"amount_minor": 1}} if number % 33 == 0 else {}
        return {**order, **wrong, "currency": "EUR"}

    harness.new = planted
    await harness.compare(240)
    standings = await harness.standings()
    assert {path for path, standing in standings.items() if standing is Standing.DIFFERENT} == {
        "$.total.amount_minor",
        "$.currency",
    }
    assert {standings[path] for path in ("$.generated_at", "$.trace_id", "$.stock")} == {Standing.NOISE}


async def test_responses_that_are_equal_but_for_noise_are_the_same(harness: Harness) -> None:
    await harness.compare(120)
    consistency = await harness.consistency()
    assert consistency.compared == 120
    assert consistency.same_share is not None
    assert consistency.same_share > 0.9
    assert Standing.DIFFERENT not in (await harness.standings()).values()


async def test_a_sample_has_both_responses_but_only_the_listed_fields(harness: Harness) -> None:
    harness.new = lambda order, number: {**order, "total": {"amount_minor": 1}}
    await harness.compare(5)
    samples = (await harness.findings.samples("orders", ["$.total.amount_minor"]))["$.total.amount_minor"]
    assert len(samples) == 3
    assert samples[0].request == "GET /api/orders/4"
    assert samples[0].legacy["body"]["total"] == {"amount_minor": 1_004}
    assert samples[0].new["body"]["total"] == {"amount_minor": 1}
    assert samples[0].new["body"]["email"] == "(text)"


async def test_both_sides_are_called_in_the_callers_name_without_token(harness: Harness) -> None:
    headers = {"x-user-id": "cust_1", "x-role": "customer", "authorization": "Bearer x", "cookie": "y"}
    await harness.comparator.compare(Mirrored("/api/orders/7?expand=a%20b", headers))
    assert [request.url.host for request in harness.requests] == ["legacy", "orders", "legacy"]
    for request in harness.requests:
        assert request.url.raw_path == b"/api/orders/7?expand=a%20b"
        assert (request.headers["x-user-id"], request.headers["x-role"]) == ("cust_1", "customer")
        assert not {"authorization", "cookie"} & request.headers.keys()


async def test_a_failure_of_a_side_says_nothing_about_its_responses(harness: Harness) -> None:
    harness.new = lambda order, number: 503
    await harness.compare(3)
    consistency = await harness.consistency()
    assert (consistency.compared, consistency.failed) == (0, 3)


async def test_an_ignored_field_counts_for_nothing_until_restored(harness: Harness) -> None:
    harness.new = lambda order, number: {**order, "currency": "EUR"}
    await harness.findings.ignore("orders", "$.currency", by="op_1", why="agreed")
    await harness.compare(20)
    assert (await harness.standings())["$.currency"] is Standing.IGNORED
    assert (await harness.findings.samples("orders", ["$.currency"]))["$.currency"] == []
    assert await harness.findings.unignore("orders", "$.currency")
    assert (await harness.standings())["$.currency"] is Standing.DIFFERENT
    await harness.findings.forget("orders")
    assert await harness.standings() == {}


async def test_copies_get_202_at_once_and_are_dropped_beyond_the_queue(harness: Harness) -> None:
    # No worker runs: nothing is ever taken out of the queue.
    app = compare_app(harness.comparator, harness.store, harness.registry)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://compare") as http:
        statuses = [(await http.get(f"/api/orders/{number}")).status_code for number in range(5)]
        assert (await http.post("/api/orders", json={})).status_code == 202
        assert (await http.get("/readyz")).json()["ready"]
        text = (await http.get("/metrics")).text
    assert statuses == [202] * 5
    assert (harness.outcomes("queued"), harness.outcomes("dropped")) == (2, 3)
    assert "gateway_compare_waiting 2.0" in text
    assert harness.requests == []


async def test_a_running_comparator_survives_what_goes_wrong(harness: Harness) -> None:
    def unlucky(order: dict[str, Any], number: int) -> Any:
        if number == 1:
            raise RuntimeError("a bug")
        return order

    harness.new = unlucky
    working = asyncio.create_task(harness.comparator.work(1))
    for number in range(4):
        await eventually(partial(harness.comparator.take, Mirrored(f"/api/orders/{number}", {})))
    await eventually(lambda: harness.outcomes("compared") == 3)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert (harness.outcomes("compared"), harness.outcomes("error")) == (3, 1)


async def test_what_belongs_to_no_route_is_not_compared(harness: Harness) -> None:
    assert await harness.comparator.compare(Mirrored("/api/odrers/7", {})) == "unrouted"
    assert harness.requests == []


def test_the_values_of_a_query_are_not_kept() -> None:
    assert without_values("/api/customers?email=a%40b.c&limit=") == "/api/customers?email=…&limit=…"
    assert without_values("/api/orders/7") == "/api/orders/7"


def test_the_list_of_kept_fields_is_read_and_a_bad_one_refused(tmp_path: Path) -> None:
    assert "$.total.amount_minor" in kept_fields(Path("gateway/compare.toml"))["orders"]
    bad = tmp_path / "compare.toml"
    bad.write_text("[orders]\nkeeps = []\n")
    with pytest.raises(InvalidSettings, match="keeps"):
        kept_fields(bad)
    with pytest.raises(InvalidSettings, match="cannot be read"):
        kept_fields(tmp_path / "missing.toml")
