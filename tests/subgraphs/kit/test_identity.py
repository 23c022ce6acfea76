"""Who asks, and what they may try."""

import pytest

from subgraphs.kit.identity import Caller, admit, caller_of
from subgraphs.kit.problem import Forbidden, Unauthenticated


def test_nobody_is_anonymous_and_empty_headers_are_nobody() -> None:
    assert caller_of({}) == caller_of({"x-user-id": "", "x-role": ""}) == Caller("anonymous")


def test_a_subject_without_a_role_is_a_customer() -> None:
    assert caller_of({"x-user-id": "cust_0001"}) == Caller("customer", "cust_0001")


@pytest.mark.parametrize("headers", [{"x-role": "customer"}, {"x-role": "root", "x-user-id": "cust_0001"}])
def test_headers_that_make_no_sense_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated):
        caller_of(headers)


def test_the_subject_of_staff_hides_nothing() -> None:
    caller = caller_of({"x-role": "service", "x-user-id": "cust_0001"})
    assert caller.owner is None
    assert caller.may_see("cust_0002")


def test_customers_see_themselves_alone() -> None:
    caller = Caller("customer", "cust_0001")
    assert caller.may_see("cust_0001")
    assert not caller.may_see("cust_0002")
    assert not Caller("anonymous").may_see("cust_0001")


@pytest.mark.parametrize("path", ["/api/products", "/api/products/prod_0001", "/api/inventory"])
def test_anonymous_callers_may_read_what_is_public(path: str) -> None:
    admit(Caller("anonymous"), method="GET", path=path)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/products"), ("GET", "/api/orders"), ("GET", "/api/productsX"), ("GET", "/api")]
)
def test_and_nothing_else(method: str, path: str) -> None:
    with pytest.raises(Unauthenticated):
        admit(Caller("anonymous"), method=method, path=path)


@pytest.mark.parametrize("role", ["customer", "warehouse"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_customers_and_the_warehouse_may_not_write(role: str, method: str) -> None:
    with pytest.raises(Forbidden):
        admit(caller_of({"x-role": role, "x-user-id": "cust_0001"}), method=method, path="/api/orders")
