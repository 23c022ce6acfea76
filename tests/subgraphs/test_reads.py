"""Reads of the services: validators, batches, pages, and what they cost the database."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import Engine, event

from subgraphs.kit.contract_types import MOST_IDS
from tests.harness.subgraphs import Rest

pytestmark = pytest.mark.stack

CUSTOMER: dict[str, Any] = {"role": "customer", "user": "cust_0001"}


def test_a_body_that_has_not_changed_is_not_sent_again(rest: Rest) -> None:
    first = rest.request("orders", "GET", "/api/orders/ord_09988", **CUSTOMER)
    again = rest.request(
        "orders", "GET", "/api/orders/ord_09988", **CUSTOMER, headers={"If-None-Match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize(
    ("service", "path", "who", "expected"),
    [
        ("products", "/api/products", {}, "public, max-age=60"),
        ("products", "/api/products", CUSTOMER, "public, max-age=60"),
        ("inventory", "/api/inventory/prod_0001", {}, "public, no-cache"),
        ("recommendations", "/api/recommendations", {}, "public, max-age=60"),
        ("recommendations", "/api/recommendations", CUSTOMER, "private, no-cache"),
        ("orders", "/api/orders", CUSTOMER, "private, no-cache"),
    ],
)
def test_caches_are_told_what_belongs_to_whom(
    service: str, path: str, who: dict[str, Any], expected: str, rest: Rest
) -> None:
    assert rest.request(service, "GET", path, **who).headers["cache-control"] == expected


def test_problems_are_never_cached(rest: Rest) -> None:
    assert rest.request("orders", "GET", "/api/orders/ord_x", **CUSTOMER).headers["cache-control"] == "no-store"


def test_pages_are_newest_first_and_cover_every_order_once(rest: Rest) -> None:
    orders: list[Any] = []
    cursor = ""
    while True:
        page = rest.request("orders", "GET", f"/api/orders?limit=5{cursor}", **CUSTOMER).json()
        orders += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len({order["id"] for order in orders}) == len(orders) >= 10
    assert orders == sorted(orders, key=lambda order: order["placed_at"], reverse=True)


def test_the_cursor_of_a_batch_continues_in_the_customers_list(rest: Rest) -> None:
    path = "/api/orders/by-customer?customer_ids=cust_0001&limit=3"
    (entry,) = rest.request("orders", "GET", path, **CUSTOMER).json()["items"]
    following = rest.request("orders", "GET", f"/api/orders?limit=2&cursor={entry['next_cursor']}", **CUSTOMER).json()
    whole = rest.request("orders", "GET", "/api/orders?limit=5", **CUSTOMER).json()
    assert entry["items"] + following["items"] == whole["items"]


@pytest.mark.parametrize("side", ["legacy", "orders"])
def test_a_batch_of_more_than_two_hundred_is_refused_by_name(side: str, rest: Rest) -> None:
    ids = ",".join(f"ord_{number:05}" for number in range(1, MOST_IDS + 2))
    response = rest.request(side, "GET", f"/api/orders?ids={ids}", role="operator")
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "ids")
    whole = rest.request(side, "GET", f"/api/orders?ids={ids.rpartition(',')[0]}", role="operator")
    assert len(whole.json()["items"]) == MOST_IDS


@pytest.mark.parametrize("service", ["customers", "products"])
def test_a_search_takes_its_text_literally(service: str, rest: Rest) -> None:
    for text in ("%25", "_", "%5C", "'"):
        response = rest.request(service, "GET", f"/api/{service}?search={text}zzz", role="operator")
        assert (response.status_code, response.json()["items"]) == (200, [])


def test_a_service_has_one_resource_and_the_monolith_has_all(rest: Rest) -> None:
    assert rest.request("orders", "GET", "/api/products").status_code == 404
    assert rest.request("legacy", "GET", "/api/products").status_code == 200


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL that the services (threads of this process) send while the block runs."""
    seen: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", count)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", count)


@pytest.mark.parametrize(
    ("service", "path", "most"),
    [
        ("orders", "/api/orders?limit=100", 2),
        ("orders", "/api/orders?ids=ord_00001,ord_00002,ord_00003", 2),
        ("orders", "/api/orders/by-customer?customer_ids=cust_0001,cust_0002,cust_0003", 2),
        ("orders", "/api/orders/summary?customer_id=cust_0001", 2),
        ("customers", "/api/customers?limit=100", 1),
        ("customers", "/api/customers?ids=cust_0001,cust_0002,cust_0003", 1),
        ("products", "/api/products?limit=100", 1),
        ("payments", "/api/payments?order_ids=ord_00001,ord_00002,ord_00003", 1),
        ("inventory", "/api/inventory?ids=prod_0001,prod_0002,prod_0003", 1),
        ("shipping", "/api/shipping?order_ids=ord_00001,ord_00002,ord_00003", 1),
        ("recommendations", "/api/recommendations?customer_id=cust_0001", 1),
    ],
)
def test_a_read_costs_a_fixed_number_of_statements(service: str, path: str, most: int, rest: Rest) -> None:
    with statements() as seen:
        assert rest.request(service, "GET", path, role="operator").status_code == 200
    assert len(seen) == most, seen


def test_the_monolith_pays_for_every_row(rest: Rest) -> None:
    with statements() as seen:
        rest.request("legacy", "GET", "/api/orders?limit=50", role="operator")
    assert len(seen) == 1 + 2 * 50


def test_connections_are_dropped_until_the_fault_ends(rest: Rest) -> None:
    assert rest.client.put(f"{rest.urls['products']}/__fault", json={"drop": True}).status_code == 200
    with pytest.raises(httpx.RemoteProtocolError):
        rest.request("products", "GET", "/api/products")
    assert rest.client.delete(f"{rest.urls['products']}/__fault").status_code == 200
    assert rest.request("products", "GET", "/api/products").status_code == 200


def test_every_service_counts_its_requests(rest: Rest) -> None:
    for service, url in rest.urls.items():
        rest.request(service, "GET", "/api/products", role="operator")
        metrics = rest.client.get(f"{url}/metrics").text
        assert re.search(
            rf'http_requests_total{{method="GET",route="[^"]+",service="{service}",status="\d+"}}', metrics
        )
        assert rest.client.get(f"{url}/readyz").json() == {"ready": True, "missing": {}, "service": service}


def test_services_recover_when_the_database_drops_connections(rest: Rest, seeded_database_url: str) -> None:
    async def terminate() -> None:
        connection = await asyncpg.connect(seeded_database_url.replace("+asyncpg", ""))
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        await connection.close()

    assert rest.request("new", "GET", "/api/products").status_code == 200
    asyncio.run(terminate())
    statuses = [rest.request("new", "GET", "/api/products").status_code for _ in range(5)]
    assert set(statuses) <= {200, 503}
    assert statuses[-1] == 200
