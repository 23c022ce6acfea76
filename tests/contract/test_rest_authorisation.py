"""Who may do what: every operation of every contract, as every caller, on both sides, against one table.

The table is the rule; an operation that is not in it fails the test. `sees` means 200 with the owner's data in it,
`nothing` means 200 without. Writes are walked in the order of a real order, so that staff's succeed.
"""

from collections.abc import Mapping
from functools import cache
from typing import Literal, NamedTuple

import httpx
import orjson
import pytest

from subgraphs.contracts import RESOURCES, path_of
from subgraphs.migrations import seed
from tests.harness.subgraphs import Rest

pytestmark = pytest.mark.stack

OWNER, OTHER = "cust_0001", "cust_0002"
ORDER, PAYMENT, SHIPMENT, RECOMMENDATION = "ord_09988", "pay_09988", "ship_09988", "rec_00026"

Result = Literal["401", "403", "404", "sees", "nothing", "done"]
WHO: Mapping[str, tuple[str | None, str | None]] = {
    "anonymous": (None, None),
    "other customer": ("customer", OTHER),
    "owner": ("customer", OWNER),
    "owner without a role": (None, OWNER),
    "other warehouse": ("warehouse", OTHER),
    "operator": ("operator", None),
    "service on behalf of other": ("service", OTHER),
}


class Row(NamedTuple):
    """One request, and its result. ``visible`` is what a response that `sees` contains."""

    operation: str
    method: str
    path: str
    visible: str
    anonymous: Result
    other: Result
    owner: Result
    staff: Result
    body: Mapping[str, object] | None = None

    def expected(self, who: str) -> Result:
        if who == "anonymous":
            return self.anonymous
        if who.startswith("other"):
            return self.other
        return self.owner if who.startswith("owner") else self.staff


def owned(operation: str, path: str, visible: str) -> Row:
    return Row(operation, "GET", path, visible, "401", "404", "sees", "sees")


def batch(operation: str, path: str, visible: str) -> Row:
    return Row(operation, "GET", path, visible, "401", "nothing", "sees", "sees")


def public(operation: str, path: str, visible: str) -> Row:
    return Row(operation, "GET", path, visible, "sees", "sees", "sees", "sees")


def write(operation: str, path: str, body: Mapping[str, object]) -> Row:
    return Row(operation, "POST", path, "", "401", "403", "403", "done", body)


READS = (
    batch("listCustomers", f"/api/customers?ids={OWNER}", OWNER),
    batch("listCustomers", "/api/customers?email=leon.conti@example.com", OWNER),
    owned("getCustomer", f"/api/customers/{OWNER}", OWNER),
    batch("listOrders", f"/api/orders?ids={ORDER}", ORDER),
    owned("listOrders", f"/api/orders?customer_id={OWNER}", ORDER),
    batch("listOrdersByCustomer", f"/api/orders/by-customer?customer_ids={OWNER}", ORDER),
    owned("getOrderSummary", f"/api/orders/summary?customer_id={OWNER}", OWNER),
    owned("getOrder", f"/api/orders/{ORDER}", ORDER),
    public("listProducts", "/api/products", "prod_0001"),
    public("listProducts", "/api/products?ids=prod_0500", "prod_0500"),
    public("getProduct", "/api/products/prod_0500", "prod_0500"),
    batch("listPayments", f"/api/payments?ids={PAYMENT}", PAYMENT),
    batch("listPayments", f"/api/payments?order_ids={ORDER}", PAYMENT),
    owned("listPayments", f"/api/payments?customer_id={OWNER}", PAYMENT),
    owned("getPayment", f"/api/payments/{PAYMENT}", PAYMENT),
    public("listStock", "/api/inventory", "prod_0001"),
    public("getStock", "/api/inventory/prod_0500", "prod_0500"),
    batch("listShipments", f"/api/shipping?ids={SHIPMENT}", SHIPMENT),
    batch("listShipments", f"/api/shipping?order_ids={ORDER}", SHIPMENT),
    owned("listShipments", f"/api/shipping?customer_id={OWNER}", SHIPMENT),
    owned("getShipment", f"/api/shipping/{SHIPMENT}", SHIPMENT),
    public("listRecommendations", "/api/recommendations", "rec_00001"),
    Row(
        "listRecommendations",
        "GET",
        f"/api/recommendations?customer_id={OWNER}",
        RECOMMENDATION,
        anonymous="nothing",  # the popular ones instead
        other="404",
        owner="sees",
        staff="sees",
    ),
    batch("listRecommendations", f"/api/recommendations?ids={RECOMMENDATION}", RECOMMENDATION)._replace(
        anonymous="nothing"
    ),
    owned("getRecommendation", f"/api/recommendations/{RECOMMENDATION}", RECOMMENDATION)._replace(anonymous="404"),
    public("getRecommendation", "/api/recommendations/rec_00001", "rec_00001"),
)


@cache
def pending_orders() -> list[str]:
    (orders,) = (table for table in seed.generate() if table.name == "orders")
    status = orders.columns.index("status")
    return [row[0] for row in orders.rows if row[status] == "PENDING"]


def writes(side: str) -> tuple[Row, ...]:
    """The life of one order, and the end of another one (one of the seed's, each side its own)."""
    order, customer = f"ord_walk_{side}", f"cust_walk_{side}"
    items = [{"product_id": "prod_0001", "quantity": 1}]
    whose = {"order_id": order, "customer_id": OWNER}
    return (
        write("createOrder", "/api/orders", {"id": order, "customer_id": OWNER, "items": items}),
        write("reserveStock", "/api/inventory/reservations", {"order_id": order, "items": items}),
        write("chargePayment", "/api/payments", {**whose, "amount": {"amount_minor": 100, "currency": "EUR"}}),
        write("confirmOrder", f"/api/orders/{order}/confirm", {"payment_id": "pay_1"}),
        write("createShipment", "/api/shipping", whose),
        write("deliverShipment", f"/api/shipping/{SHIPMENT}/deliver", {}),
        write("shipOrder", f"/api/orders/{order}/ship", {"shipment_id": "ship_1"}),
        write("releaseStock", f"/api/inventory/reservations/{order}/release", {}),
        write("refundPayments", "/api/payments/refunds", {"order_id": order}),
        write("cancelOrder", f"/api/orders/{pending_orders()[side == 'new']}/cancel", {"reason": "walked"}),
        write("withdrawOrder", f"/api/orders/{order}_never/withdraw", {"reason": "walked"}),
        write("createCustomer", "/api/customers", {"id": customer, "name": "W", "email": f"{customer}@example.org"}),
        write("updateCustomer", f"/api/customers/{customer}", {"name": "Walker"})._replace(method="PATCH"),
        write("verifyCustomer", f"/api/customers/{customer}/verify", {}),
        write("grantCredit", f"/api/customers/{customer}/credits", {"reason": "welcome", "points": 5}),
        write("expireCustomer", f"/api/customers/{customer}_never/expire", {}),
    )


def result_of(row: Row, response: httpx.Response) -> str:
    if response.status_code >= 400:
        assert response.headers["content-type"] == "application/problem+json"
        return str(response.status_code)
    if row.method != "GET":
        return "done"
    return "sees" if row.visible in response.text else "nothing"


@pytest.mark.parametrize("side", ["legacy", "new"])
@pytest.mark.parametrize("who", WHO)
def test_each_caller_may_do_exactly_what_the_table_says(side: str, who: str, rest: Rest) -> None:
    role, user = WHO[who]
    expected, walked = {}, {}
    for row in READS + writes(side):
        headers = {} if row.method == "GET" else {"Idempotency-Key": f"walk-{side}"}
        response = rest.request(side, row.method, row.path, role=role, user=user, headers=headers, json=row.body)
        expected[row.method, row.path] = row.expected(who)
        walked[row.method, row.path] = result_of(row, response)
    assert walked == expected


def test_the_table_names_every_operation() -> None:
    operations = {
        operation["operationId"]
        for resource in RESOURCES
        for methods in orjson.loads(path_of(resource).read_bytes())["paths"].values()
        for operation in methods.values()
    }
    assert {row.operation for row in READS + writes("new")} == operations


@pytest.mark.parametrize("side", ["legacy", "new"])
def test_a_role_nobody_knows_is_nobody(side: str, rest: Rest) -> None:
    assert rest.request(side, "GET", f"/api/orders/{ORDER}", role="admin", user=OWNER).status_code == 401
    assert rest.request(side, "GET", f"/api/orders/{ORDER}", role="customer").status_code == 401


@pytest.mark.parametrize("side", ["legacy", "new"])
def test_a_stranger_is_refused_before_the_request_is_read(side: str, rest: Rest) -> None:
    assert rest.request(side, "POST", "/api/orders", content=b"{not json").status_code == 401
    refused = rest.request(side, "POST", "/api/orders", role="customer", user=OWNER, content=b"{not json")
    assert refused.status_code == 403
