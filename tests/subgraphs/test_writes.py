"""The writes, on both sides over one database: each happens once, all or nothing, and in an order that makes sense."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import httpx
import pytest

from tests.harness.subgraphs import Rest

pytestmark = pytest.mark.stack

SIDES = pytest.mark.parametrize("side", ["legacy", "new"])
BOTH = pytest.mark.parametrize("sides", [("new", "legacy"), ("legacy", "new"), ("new", "new"), ("legacy", "legacy")])
fresh = count(1)


def write(rest: Rest, side: str, path: str, body: dict[str, Any], *, key: str | None = None) -> httpx.Response:
    headers = {"Idempotency-Key": key or f"key-{next(fresh)}"}
    return rest.request(side, "POST", path, role="service", json=body, headers=headers)


def read(rest: Rest, side: str, path: str) -> Any:
    response = rest.request(side, "GET", path, role="operator")
    assert response.status_code == 200, response.text
    return response.json()


def place(rest: Rest, side: str, *, quantity: int = 1, product: str = "prod_0001") -> str:
    items = [{"product_id": product, "quantity": quantity}]
    response = write(rest, side, "/api/orders", {"customer_id": "cust_0001", "items": items})
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


def charge(rest: Rest, side: str, order: str, **more: Any) -> httpx.Response:
    amount = {"amount_minor": 500, "currency": "EUR"}
    body = {"order_id": order, "customer_id": "cust_0001", "amount": amount, **more.pop("body", {})}
    return write(rest, side, "/api/payments", body, **more)


def reserve(rest: Rest, side: str, order: str, **quantities: int) -> httpx.Response:
    items = [{"product_id": product, "quantity": quantity} for product, quantity in quantities.items()]
    return write(rest, side, "/api/inventory/reservations", {"order_id": order, "items": items})


def release(rest: Rest, side: str, order: str) -> Any:
    return write(rest, side, f"/api/inventory/reservations/{order}/release", {}).json()


@SIDES
def test_an_order_costs_what_its_products_cost_today(side: str, rest: Rest) -> None:
    first, second = (read(rest, side, f"/api/products/{name}") for name in ("prod_0001", "prod_0002"))
    body = {
        "customer_id": "cust_0001",
        "items": [{"product_id": "prod_0001", "quantity": 2}, {"product_id": "prod_0002", "quantity": 1}],
    }
    order = write(rest, side, "/api/orders", body).json()
    assert order["status"] == "PENDING"
    assert order["items_count"] == 3
    assert order["total"]["amount_minor"] == 2 * first["price"]["amount_minor"] + second["price"]["amount_minor"]
    assert [line["product_name"] for line in order["items"]] == [first["name"], second["name"]]
    assert read(rest, side, f"/api/orders/{order['id']}") == order


@BOTH
def test_a_repeat_gets_the_same_response_on_either_side(sides: tuple[str, str], rest: Rest) -> None:
    order, key = place(rest, "new"), f"repeat-{next(fresh)}"
    first, second = (charge(rest, side, order, key=key) for side in sides)
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert len(read(rest, "new", f"/api/payments?order_ids={order}")["items"]) == 1


@BOTH
def test_a_key_used_for_something_else_is_refused(sides: tuple[str, str], rest: Rest) -> None:
    order, other, key = place(rest, "new"), place(rest, "new"), f"reused-{next(fresh)}"
    assert charge(rest, sides[0], order, key=key).status_code == 201
    refused = charge(rest, sides[1], other, key=key)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert read(rest, "new", f"/api/payments?order_ids={other}")["items"] == []


@SIDES
def test_a_key_belongs_to_its_operation_and_its_path(side: str, rest: Rest) -> None:
    order, other, key = place(rest, side), place(rest, side), f"path-{next(fresh)}"
    assert write(rest, side, f"/api/orders/{order}/cancel", {"reason": "x"}, key=key).status_code == 200
    assert write(rest, side, f"/api/orders/{other}/cancel", {"reason": "x"}, key=key).status_code == 422
    assert write(rest, side, "/api/payments/refunds", {"order_id": order}, key=key).status_code == 200


@SIDES
def test_twelve_at_once_with_one_key_charge_once(side: str, rest: Rest) -> None:
    order, key = place(rest, side), f"at-once-{next(fresh)}"
    with ThreadPoolExecutor(12) as pool:
        responses = list(pool.map(lambda _: charge(rest, side, order, key=key), range(12)))
    assert {response.status_code for response in responses} == {201}
    assert len({response.content for response in responses}) == 1
    assert sum("idempotency-replayed" not in response.headers for response in responses) == 1
    assert len(read(rest, side, f"/api/payments?order_ids={order}")["items"]) == 1


@SIDES
@pytest.mark.parametrize(
    ("key", "slug"),
    [
        (None, "idempotency-key-missing"),
        ("", "idempotency-key-invalid"),
        ("a key", "idempotency-key-invalid"),
        ("k" * 256, "idempotency-key-invalid"),
    ],
)
def test_a_write_without_a_proper_key_is_refused(side: str, key: str | None, slug: str, rest: Rest) -> None:
    headers = {} if key is None else {"Idempotency-Key": key}
    response = rest.request(side, "POST", "/api/orders", role="service", json={"a": 1}, headers=headers)
    assert (response.status_code, response.json()["type"]) == (400, f"/problems/{slug}")


@SIDES
def test_a_refusal_is_not_stored_because_nothing_was_done(side: str, rest: Rest) -> None:
    order, key = place(rest, side), f"declined-{next(fresh)}"
    declined = {"payment_method_id": "pm_declined"}
    for _ in range(2):
        response = charge(rest, side, order, key=key, body=declined)
        assert (response.status_code, response.json()["type"]) == (402, "/problems/payment-declined")
        assert "idempotency-replayed" not in response.headers
    assert read(rest, side, f"/api/payments?order_ids={order}")["items"] == []
    assert charge(rest, side, order, key=key).status_code == 201


@SIDES
def test_a_charge_that_timed_out_is_what_its_retry_returns(side: str, rest: Rest) -> None:
    order, key = place(rest, side), f"timeout-{next(fresh)}"
    slow = {"payment_method_id": "pm_timeout"}
    with pytest.raises(httpx.RemoteProtocolError):
        charge(rest, side, order, key=key, body=slow)
    again = charge(rest, side, order, key=key, body=slow)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert read(rest, side, f"/api/payments?order_ids={order}")["items"] == [again.json()]


@SIDES
def test_a_refund_gives_everything_back_and_is_safe_to_repeat(side: str, rest: Rest) -> None:
    order = place(rest, side)
    charge(rest, side, order)
    for _ in range(2):
        refund = write(rest, side, "/api/payments/refunds", {"order_id": order})
        assert (refund.status_code, refund.json()) == (200, {"order_id": order, "refunded": True})
    statuses = [payment["status"] for payment in read(rest, side, f"/api/payments?order_ids={order}")["items"]]
    assert statuses == ["REFUNDED"]


@BOTH
def test_a_charge_that_comes_after_its_refund_is_refused(sides: tuple[str, str], rest: Rest) -> None:
    order = place(rest, "new")
    refund = write(rest, sides[0], "/api/payments/refunds", {"order_id": order})
    assert refund.json() == {"order_id": order, "refunded": False}
    late = charge(rest, sides[1], order)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/invalid-transition")


@SIDES
def test_a_refund_of_an_unknown_order_is_harmless(side: str, rest: Rest) -> None:
    refund = write(rest, side, "/api/payments/refunds", {"order_id": "ord_unknown"})
    assert (refund.status_code, refund.json()["refunded"]) == (200, False)


@SIDES
def test_reserved_units_are_unavailable_until_they_are_released(side: str, rest: Rest) -> None:
    order, product = f"ord_r{next(fresh)}", "prod_0010"
    before = read(rest, side, f"/api/inventory/{product}")
    held = reserve(rest, side, order, **{product: 3})
    items = [{"product_id": product, "quantity": 3}]
    assert (held.status_code, held.json()) == (201, {"order_id": order, "status": "RESERVED", "items": items})
    after = read(rest, side, f"/api/inventory/{product}")
    assert (after["available"], after["reserved"]) == (before["available"] - 3, before["reserved"] + 3)
    for _ in range(2):
        assert release(rest, side, order) == {"order_id": order, "status": "RELEASED", "items": items}
        assert read(rest, side, f"/api/inventory/{product}") == before


@SIDES
def test_a_reservation_that_is_short_of_one_thing_holds_nothing(side: str, rest: Rest) -> None:
    order = f"ord_r{next(fresh)}"
    before = read(rest, side, "/api/inventory?ids=prod_0011,prod_0500")
    refused = reserve(rest, side, order, prod_0011=1, prod_0500=1)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/out-of-stock")
    assert refused.json()["shortages"] == [{"product_id": "prod_0500", "requested": 1, "available": 0}]
    assert [error["field"] for error in refused.json()["errors"]] == ["items[1]"]
    assert read(rest, side, "/api/inventory?ids=prod_0011,prod_0500") == before
    assert reserve(rest, side, order, prod_0011=1).status_code == 201


@BOTH
def test_a_reservation_that_comes_after_its_release_is_refused(sides: tuple[str, str], rest: Rest) -> None:
    order = f"ord_r{next(fresh)}"
    assert release(rest, sides[0], order) == {"order_id": order, "status": "NONE", "items": []}
    late = reserve(rest, sides[1], order, prod_0012=1)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/invalid-transition")
    assert release(rest, sides[1], order)["status"] == "NONE"


@pytest.mark.parametrize("product", ["prod_0020", "prod_0021"])
def test_concurrent_reservations_never_oversell_nor_deadlock(product: str, rest: Rest) -> None:
    other = "prod_0022"
    there_is = read(rest, "new", f"/api/inventory/{product}")["available"]
    units = there_is // 5 + 1  # five fit, the others do not
    numbers = [next(fresh) for _ in range(10)]

    def reserve_units(number: int) -> httpx.Response:
        # Half of them name the two products the other way round, on alternating sides.
        quantities = {product: units, other: 1} if number % 2 else {other: 1, product: units}
        items = [
            {"product_id": name, "quantity": min(99, quantity)}
            for name, quantity in quantities.items()
            for _ in range(1 + (quantity - 1) // 99)
        ]
        side = ("new", "legacy")[number % 4 // 2]
        return write(rest, side, "/api/inventory/reservations", {"order_id": f"ord_c{number}", "items": items})

    with ThreadPoolExecutor(10) as pool:
        responses = list(pool.map(reserve_units, numbers))
    assert {response.status_code for response in responses} == {201, 409}
    left = read(rest, "new", f"/api/inventory/{product}")["available"]
    held = sum(
        item["quantity"]
        for response in responses
        if response.status_code == 201
        for item in response.json()["items"]
        if item["product_id"] == product
    )
    assert left == there_is - held >= 0


@SIDES
def test_an_order_goes_from_pending_to_delivered(side: str, rest: Rest) -> None:
    order = place(rest, side)
    payment = charge(rest, side, order).json()
    confirmed = write(rest, side, f"/api/orders/{order}/confirm", {"payment_id": payment["id"]})
    assert (confirmed.status_code, confirmed.json()["status"]) == (200, "CONFIRMED")
    shipment = write(rest, side, "/api/shipping", {"order_id": order, "customer_id": "cust_0001"})
    assert (shipment.status_code, shipment.json()["status"]) == (201, "IN_TRANSIT")
    shipped = write(rest, side, f"/api/orders/{order}/ship", {"shipment_id": shipment.json()["id"]})
    assert shipped.json()["status"] == "SHIPPED"
    delivery = f"/api/shipping/{shipment.json()['id']}/deliver"
    for _ in range(2):
        delivered = write(rest, side, delivery, {})
        assert delivered.json() == {**shipment.json(), "status": "DELIVERED"}
    assert write(rest, side, "/api/shipping/ship_none/deliver", {}).status_code == 404
    late = write(rest, side, f"/api/orders/{order}/cancel", {"reason": "too late"})
    assert (late.status_code, late.json()["type"]) == (409, "/problems/invalid-transition")
    assert read(rest, side, f"/api/orders/{order}") == shipped.json()


@SIDES
def test_a_cancelled_order_can_be_neither_charged_nor_sent(side: str, rest: Rest) -> None:
    order = place(rest, side)
    cancelled = write(rest, side, f"/api/orders/{order}/cancel", {"reason": "Changed my mind"}).json()
    assert (cancelled["status"], cancelled["cancel_reason"]) == ("CANCELLED", "Changed my mind")
    assert charge(rest, side, order).status_code == 409
    assert write(rest, side, "/api/shipping", {"order_id": order, "customer_id": "cust_0001"}).status_code == 409


@SIDES
def test_an_order_is_sent_once(side: str, rest: Rest) -> None:
    order = place(rest, side)
    body = {"order_id": order, "customer_id": "cust_0001"}
    with ThreadPoolExecutor(4) as pool:
        responses = list(pool.map(lambda _: write(rest, side, "/api/shipping", body), range(4)))
    assert sorted(response.status_code for response in responses) == [201, 409, 409, 409]


@BOTH
def test_an_id_chosen_by_the_client_is_taken_once(sides: tuple[str, str], rest: Rest) -> None:
    body = {
        "id": f"ord_chosen_{next(fresh)}",
        "customer_id": "cust_0001",
        "items": [{"product_id": "prod_0001", "quantity": 1}],
    }
    first, second = (write(rest, side, "/api/orders", body) for side in sides)
    assert (first.status_code, first.json()["id"]) == (201, body["id"])
    assert (second.status_code, second.json()["type"]) == (409, "/problems/already-exists")


@SIDES
def test_an_order_is_paid_once_whatever_the_key(side: str, rest: Rest) -> None:
    order = place(rest, side)
    assert charge(rest, side, order).status_code == 201
    again = charge(rest, side, order)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-exists")
    assert len(read(rest, side, f"/api/payments?order_ids={order}")["items"]) == 1


@SIDES
def test_a_withdrawn_order_is_cancelled_and_a_repeat_is_harmless(side: str, rest: Rest) -> None:
    order = place(rest, side)
    for _ in range(2):
        withdrawn = write(rest, side, f"/api/orders/{order}/withdraw", {"reason": "compensated"})
        assert (withdrawn.status_code, withdrawn.json()) == (200, {"order_id": order, "status": "CANCELLED"})
    assert read(rest, side, f"/api/orders/{order}")["cancel_reason"] == "compensated"


@BOTH
def test_an_order_created_after_its_withdrawal_is_refused(sides: tuple[str, str], rest: Rest) -> None:
    order = f"ord_late_{next(fresh)}"
    body = {"id": order, "customer_id": "cust_0001", "items": [{"product_id": "prod_0001", "quantity": 1}]}
    withdrawn = write(rest, sides[0], f"/api/orders/{order}/withdraw", {"reason": "compensated"})
    assert withdrawn.json() == {"order_id": order, "status": "NONE"}
    late = write(rest, sides[1], "/api/orders", body)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/invalid-transition")
    assert rest.request("new", "GET", f"/api/orders/{order}", role="operator").status_code == 404


def test_a_race_with_its_withdrawal_leaves_no_pending_order(rest: Rest) -> None:
    for round_ in range(6):
        order = f"ord_race_{next(fresh)}"
        body = {"id": order, "customer_id": "cust_0001", "items": [{"product_id": "prod_0001", "quantity": 1}]}
        calls = [("/api/orders", body), (f"/api/orders/{order}/withdraw", {"reason": "compensated"})]
        side = ("new", "legacy")[round_ % 2]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda call, side=side: write(rest, side, *call), calls))
        order_now = rest.request("new", "GET", f"/api/orders/{order}", role="operator")
        assert order_now.status_code == 404 or order_now.json()["status"] == "CANCELLED"
