"""Registration, profile and credits, on both sides over one database."""

from itertools import count
from typing import Any

import httpx
import pytest

from tests.harness.subgraphs import Rest

pytestmark = pytest.mark.stack

SIDES = pytest.mark.parametrize("side", ["legacy", "new"])
BOTH = pytest.mark.parametrize("sides", [("new", "legacy"), ("legacy", "new"), ("new", "new"), ("legacy", "legacy")])
fresh = count(1)


def write(rest: Rest, side: str, path: str, body: dict[str, Any], *, method: str = "POST") -> httpx.Response:
    headers = {"Idempotency-Key": f"customer-{next(fresh)}"}
    return rest.request(side, method, path, role="service", json=body, headers=headers)


def read(rest: Rest, side: str, path: str) -> Any:
    return rest.request(side, "GET", path, role="operator").json()


def an_id() -> str:
    return f"cust_new_{next(fresh)}"


def register(rest: Rest, side: str, customer: str, *, email: str | None = None) -> httpx.Response:
    body = {"id": customer, "name": "Ana Silva", "email": email or f"{customer}@example.org"}
    return write(rest, side, "/api/customers", body)


@SIDES
def test_a_registered_customer_is_a_customer_without_a_past(side: str, rest: Rest) -> None:
    customer = an_id()
    made = register(rest, side, customer, email=f"Ana.{customer}@Example.org")
    assert made.status_code == 201, made.text
    assert made.json()["email"] == f"ana.{customer}@example.org"
    assert (made.json()["loyalty_points"], made.json()["address"]) == (0, None)
    assert read(rest, side, f"/api/customers/{customer}") == made.json()


@BOTH
def test_an_address_is_taken_once_whatever_its_case(sides: tuple[str, str], rest: Rest) -> None:
    email = f"only-{next(fresh)}@example.org"
    assert register(rest, sides[0], an_id(), email=email).status_code == 201
    taken = register(rest, sides[1], an_id(), email=email.upper())
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/already-exists")


@SIDES
def test_an_expired_registration_is_gone_and_its_address_is_free(side: str, rest: Rest) -> None:
    customer, email = an_id(), f"free-{next(fresh)}@example.org"
    register(rest, side, customer, email=email)
    for status in ("EXPIRED", "NONE"):
        gone = write(rest, side, f"/api/customers/{customer}/expire", {})
        assert (gone.status_code, gone.json()) == (200, {"customer_id": customer, "status": status})
    assert rest.request(side, "GET", f"/api/customers/{customer}", role="operator").status_code == 404
    assert register(rest, side, an_id(), email=email).status_code == 201


@BOTH
def test_a_registration_that_comes_after_its_expiry_is_refused(sides: tuple[str, str], rest: Rest) -> None:
    customer = an_id()
    assert write(rest, sides[0], f"/api/customers/{customer}/expire", {}).json()["status"] == "NONE"
    late = register(rest, sides[1], customer)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/invalid-transition")
    verified = write(rest, sides[1], f"/api/customers/{customer}/verify", {})
    assert verified.json()["type"] == "/problems/invalid-transition"


@SIDES
def test_a_verified_customer_stays(side: str, rest: Rest) -> None:
    customer = an_id()
    register(rest, side, customer)
    for _ in range(2):
        assert write(rest, side, f"/api/customers/{customer}/verify", {}).status_code == 200
    for customer_id in (customer, "cust_0001"):
        refused = write(rest, side, f"/api/customers/{customer_id}/expire", {})
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/invalid-transition")


@BOTH
def test_a_credit_is_granted_once_for_its_reason(sides: tuple[str, str], rest: Rest) -> None:
    customer, body = an_id(), {"reason": "welcome", "points": 100}
    register(rest, "new", customer)
    granted = write(rest, sides[0], f"/api/customers/{customer}/credits", body)
    assert (granted.status_code, granted.json()["loyalty_points"]) == (201, 100)
    again = write(rest, sides[1], f"/api/customers/{customer}/credits", body)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-exists")
    assert read(rest, "new", f"/api/customers/{customer}")["loyalty_points"] == 100


@SIDES
def test_a_profile_changes_where_it_is_told_to(side: str, rest: Rest) -> None:
    customer = an_id()
    register(rest, side, customer)
    home = {"line1": "Rua Augusta 12", "line2": None, "city": "Lisboa", "postal_code": "1100-053", "country": "PT"}
    path = f"/api/customers/{customer}"
    changed = write(rest, side, path, {"address": home, "phone": "+351 21 0000000"}, method="PATCH").json()
    assert (changed["address"], changed["phone"], changed["name"]) == (home, "+351 21 0000000", "Ana Silva")
    cleared = write(rest, side, path, {"address": None, "name": "Ana Costa"}, method="PATCH").json()
    assert (cleared["address"], cleared["phone"], cleared["name"]) == (None, "+351 21 0000000", "Ana Costa")
    assert read(rest, side, path) == cleared


@SIDES
def test_an_unknown_customer_cannot_be_changed(side: str, rest: Rest) -> None:
    for path, body, method in (
        ("/api/customers/cust_9999", {"name": "x"}, "PATCH"),
        ("/api/customers/cust_9999/verify", {}, "POST"),
        ("/api/customers/cust_9999/credits", {"reason": "welcome", "points": 1}, "POST"),
    ):
        response = write(rest, side, path, body, method=method)
        assert (response.status_code, response.json()["type"]) == (404, "/problems/not-found")
