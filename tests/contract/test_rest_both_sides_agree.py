"""A client cannot tell the monolith from the services: same bodies, validators and problems for the same request."""

from typing import Any

import httpx
import pytest

from tests.harness.subgraphs import Rest

pytestmark = pytest.mark.stack

OPERATOR = ("operator", None)
CUSTOMER = ("customer", "cust_0001")
ANONYMOUS = (None, None)

READS = [
    (OPERATOR, "/api/customers?limit=3"),
    (OPERATOR, "/api/customers?search=conti&limit=100"),
    (OPERATOR, "/api/customers?search=100%25_"),
    (OPERATOR, "/api/customers?email=LEON.conti@example.com"),
    (CUSTOMER, "/api/customers"),
    (CUSTOMER, "/api/customers/cust_0001"),
    (CUSTOMER, "/api/customers/cust_0002"),
    (OPERATOR, "/api/customers/cust_9999"),
    (OPERATOR, "/api/orders?limit=5"),
    (OPERATOR, "/api/orders?status=CANCELLED&limit=5"),
    (OPERATOR, "/api/orders?customer_id=cust_9999"),
    (CUSTOMER, "/api/orders?limit=100"),
    (CUSTOMER, "/api/orders?customer_id=cust_0002"),
    (CUSTOMER, "/api/orders?status=OPEN"),
    (CUSTOMER, "/api/orders?limit=0"),
    (CUSTOMER, "/api/orders?cursor=bm90IG91cnM"),
    (CUSTOMER, "/api/orders/ord_09988"),
    (CUSTOMER, "/api/orders/ord_00001"),
    (CUSTOMER, "/api/orders/summary?customer_id=cust_0001"),
    (OPERATOR, "/api/orders/summary?customer_id=cust_9999"),
    (OPERATOR, "/api/orders/summary"),
    (ANONYMOUS, "/api/products?limit=4"),
    (ANONYMOUS, "/api/products?search=LAMP"),
    (ANONYMOUS, "/api/products?category=Coffee %26 Tea&limit=100"),
    (ANONYMOUS, "/api/products/prod_0500"),
    (OPERATOR, "/api/payments?limit=4"),
    (CUSTOMER, "/api/payments?order_ids=ord_09988,ord_00001"),
    (CUSTOMER, "/api/payments/pay_09988"),
    (ANONYMOUS, "/api/inventory?limit=4"),
    (ANONYMOUS, "/api/inventory/prod_0500"),
    (OPERATOR, "/api/shipping?customer_id=cust_0003"),
    (CUSTOMER, "/api/shipping/ship_09988"),
    (ANONYMOUS, "/api/recommendations"),
    (ANONYMOUS, "/api/recommendations?customer_id=cust_0001"),
    (CUSTOMER, "/api/recommendations?customer_id=cust_0001"),
    (CUSTOMER, "/api/recommendations/rec_00026"),
]
BATCHES = [
    (OPERATOR, "/api/customers?ids=cust_0002,cust_0001,cust_9999"),
    (CUSTOMER, "/api/customers?ids=cust_0002,cust_0001"),
    (OPERATOR, "/api/orders?ids=ord_00002,ord_00001,ord_x"),
    (OPERATOR, "/api/orders/by-customer?customer_ids=cust_0003,cust_0001,cust_9999&limit=2"),
    (OPERATOR, "/api/orders/by-customer?customer_ids=cust_0003,cust_0001&status=PENDING&limit=2"),
    (CUSTOMER, "/api/orders/by-customer?customer_ids=cust_0003,cust_0001&limit=2"),
    (ANONYMOUS, "/api/products?ids=prod_0003,prod_0001,prod_0003,prod_x"),
    (OPERATOR, "/api/payments?ids=pay_00002,pay_00001"),
    (ANONYMOUS, "/api/inventory?ids=prod_0003,prod_0500"),
    (OPERATOR, "/api/shipping?ids=ship_00001,ship_00002"),
    (ANONYMOUS, "/api/recommendations?ids=rec_00001,rec_00026"),
    (CUSTOMER, "/api/recommendations?ids=rec_00001,rec_00026,rec_00099"),
]
LISTS = [
    (OPERATOR, "/api/customers"),
    (CUSTOMER, "/api/orders"),
    (ANONYMOUS, "/api/products?category=Kitchen"),
    (CUSTOMER, "/api/payments"),
    (ANONYMOUS, "/api/inventory"),
    (CUSTOMER, "/api/shipping"),
    (ANONYMOUS, "/api/recommendations"),
]

Who = tuple[str | None, str | None]


def ask_both(rest: Rest, who: Who, path: str) -> tuple[httpx.Response, httpx.Response]:
    role, user = who
    legacy, new = (rest.request(side, "GET", path, role=role, user=user) for side in ("legacy", "new"))
    return legacy, new


def in_order_of_id(body: Any) -> Any:
    """A batch answers in any order."""
    items = sorted(body["items"], key=lambda item: item.get("id") or item.get("customer_id") or item["product_id"])
    return body | {"items": items}


@pytest.mark.parametrize(("who", "path"), READS)
def test_both_sides_answer_the_same_bytes(who: Who, path: str, rest: Rest) -> None:
    legacy, new = ask_both(rest, who, path)
    assert (new.status_code, new.content) == (legacy.status_code, legacy.content)
    for name in ("etag", "cache-control", "content-type"):
        assert new.headers.get(name) == legacy.headers.get(name)


@pytest.mark.parametrize(("who", "path"), BATCHES)
def test_both_sides_return_the_same_batch(who: Who, path: str, rest: Rest) -> None:
    legacy, new = ask_both(rest, who, path)
    assert new.status_code == legacy.status_code == 200
    assert in_order_of_id(new.json()) == in_order_of_id(legacy.json())
    assert new.json().get("next_cursor") is None


@pytest.mark.parametrize(("who", "path"), LISTS)
def test_a_cursor_of_one_side_continues_on_the_other(who: Who, path: str, rest: Rest) -> None:
    role, user = who
    sides = ["legacy", "new"]
    joint = "&" if "?" in path else "?"
    whole = rest.request(sides[0], "GET", f"{path}{joint}limit=9", role=role, user=user).json()["items"]
    paged: list[Any] = []
    cursor = ""
    while len(paged) < len(whole):
        page = rest.request(sides[0], "GET", f"{path}{joint}limit=2{cursor}", role=role, user=user).json()
        paged += page["items"]
        cursor = f"&cursor={page['next_cursor']}"
        sides.reverse()
    assert paged[: len(whole)] == whole


REFUSALS: list[tuple[str, dict[str, object]]] = [
    ("/api/orders", {"customer_id": "cust_x", "items": [{"product_id": "prod_x", "quantity": 1}]}),
    ("/api/orders", {"customer_id": "cust_0001", "items": [{"product_id": "prod_0001", "quantity": 0}]}),
    (
        "/api/orders",
        {"id": "ord_00001", "customer_id": "cust_0001", "items": [{"product_id": "prod_0001", "quantity": 1}]},
    ),
    ("/api/orders/ord_x/cancel", {"reason": "none"}),
    ("/api/orders/ord_09988/cancel", {"reason": "too late"}),
    ("/api/orders/ord_00001/confirm", {"payment_id": "pay_1"}),
    ("/api/orders/ord_00001/ship", {"shipment_id": "ship_1", "surprise": True}),
    ("/api/payments", {"order_id": "ord_x", "customer_id": "c", "amount": {"amount_minor": 1, "currency": "EUR"}}),
    ("/api/payments", {"order_id": "ord_09988", "customer_id": "c", "amount": {"amount_minor": 1, "currency": "EUR"}}),
    (
        "/api/payments",
        {
            "order_id": "ord_09988",
            "customer_id": "cust_0001",
            "amount": {"amount_minor": 1, "currency": "EUR"},
            "payment_method_id": "pm_declined",
        },
    ),
    ("/api/shipping", {"order_id": "ord_09988", "customer_id": "cust_0001"}),
    ("/api/orders/ord_09988/withdraw", {"reason": "too late"}),
    ("/api/customers", {"name": "Leon", "email": "LEON.conti@example.com"}),
    ("/api/customers", {"id": "cust_0001", "name": "Leon", "email": "leon@example.org"}),
    ("/api/customers", {"name": "", "email": "nobody"}),
    ("/api/customers/cust_0001/expire", {}),
    ("/api/customers/cust_0001/verify", {}),
    ("/api/customers/cust_9999/credits", {"reason": "welcome", "points": 1}),
    ("/api/customers/cust_0001/credits", {"reason": "Welcome!", "points": 0}),
    (
        "/api/inventory/reservations",
        {
            "order_id": "ord_new",
            "items": [
                {"product_id": "prod_0500", "quantity": 1},
                {"product_id": "prod_0001", "quantity": 1},
                {"product_id": "prod_x", "quantity": 2},
                {"product_id": "prod_0500", "quantity": 2},
            ],
        },
    ),
]


@pytest.mark.parametrize(("path", "body"), REFUSALS)
def test_both_sides_refuse_in_the_same_words(path: str, body: dict[str, object], rest: Rest) -> None:
    legacy, new = (
        rest.request(side, "POST", path, role="operator", json=body, headers={"Idempotency-Key": "refused"})
        for side in ("legacy", "new")
    )
    assert legacy.status_code >= 400
    assert (new.status_code, new.json()) == (legacy.status_code, legacy.json())
