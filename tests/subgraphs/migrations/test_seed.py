"""The example business: the same everywhere, and consistent with itself."""

import hashlib
from collections import Counter, defaultdict
from typing import Any

import pytest

from subgraphs.migrations import seed

DIGEST = "780391c21448a120"
"""Of every row. It changes when the seed does, and then `seed.NAME` must change as well."""


@pytest.fixture(scope="module")
def tables() -> dict[str, list[dict[str, Any]]]:
    return {table.name: [dict(zip(table.columns, row, strict=True)) for row in table.rows] for table in seed.generate()}


def test_the_seed_is_the_same_on_every_machine() -> None:
    digest = hashlib.sha256()
    for table in seed.generate():
        digest.update(repr((table.name, table.columns, table.rows)).encode())
    assert (seed.NAME, digest.hexdigest()[:16]) == ("2026-01", DIGEST)


def test_its_sizes_are_the_promised_ones(tables: dict[str, list[dict[str, Any]]]) -> None:
    assert len(tables["customers"]) == 1_000
    assert len(tables["products"]) == 500
    assert len(tables["orders"]) == 10_000
    assert len({row["category"] for row in tables["products"]}) == 20
    assert len({row["email"] for row in tables["customers"]}) == 1_000


def test_every_order_has_one_to_eight_lines_and_adds_up(tables: dict[str, list[dict[str, Any]]]) -> None:
    lines = defaultdict(list)
    for line in tables["order_lines"]:
        lines[line["order_id"]].append(line)
    for order in tables["orders"]:
        own = lines[order["id"]]
        assert 1 <= len(own) <= 8
        assert order["items_count"] == sum(line["quantity"] for line in own)
        assert order["total_minor"] == sum(line["quantity"] * line["unit_price_minor"] for line in own)
        assert len({line["product_id"] for line in own}) == len(own)


def test_the_example_customer_has_ten_orders_and_every_member(
    tables: dict[str, list[dict[str, Any]]],
) -> None:
    orders = Counter(order["customer_id"] for order in tables["orders"])
    assert orders["cust_0001"] >= 10
    assert min(orders.values()) >= 6
    assert None not in tables["customers"][0].values()


def test_ids_of_orders_follow_their_time(tables: dict[str, list[dict[str, Any]]]) -> None:
    placed = [(order["placed_at"], order["id"]) for order in tables["orders"]]
    assert placed == sorted(placed)


def test_money_goods_and_status_agree(tables: dict[str, list[dict[str, Any]]]) -> None:
    paid = {payment["order_id"]: payment["status"] for payment in tables["payments"]}
    sent = {shipment["order_id"]: shipment["status"] for shipment in tables["shipments"]}
    expected = {
        "PENDING": (None, None),
        "CONFIRMED": ("CHARGED", None),
        "SHIPPED": ("CHARGED", "IN_TRANSIT"),
        "DELIVERED": ("CHARGED", "DELIVERED"),
        "CANCELLED": ("REFUNDED", None),
    }
    for order in tables["orders"]:
        assert (paid.get(order["id"]), sent.get(order["id"])) == expected[order["status"]], order["id"]
    assert {order["status"] for order in tables["orders"]} == set(expected)


def test_reserved_stock_is_what_confirmed_orders_hold(tables: dict[str, list[dict[str, Any]]]) -> None:
    held = Counter[str]()
    for line in tables["reservation_lines"]:
        held[line["product_id"]] += line["quantity"]
    assert {row["product_id"]: row["reserved"] for row in tables["stock"] if row["reserved"]} == dict(held)


def test_the_last_product_has_no_stock_and_was_never_sold(tables: dict[str, list[dict[str, Any]]]) -> None:
    assert tables["stock"][-1] == {"product_id": "prod_0500", "available": 0, "reserved": 0}
    assert all(row["available"] > 0 for row in tables["stock"][:-1])
    assert "prod_0500" not in {line["product_id"] for line in tables["order_lines"]}
