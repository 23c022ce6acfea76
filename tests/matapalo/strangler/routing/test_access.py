"""Who may use a route from outside."""

import pytest

from matapalo.strangler.routing.access import Access, access
from matapalo.strangler.routing.route import Audience


@pytest.mark.parametrize("audience", list(Audience))
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("role", ["operator", "service"])
def test_staff_may_do_everything(audience, method, role):
    assert access(audience, method=method, subject="op_1", role=role) is Access.GRANTED


@pytest.mark.parametrize(
    ("audience", "anonymous", "customer"),
    [
        (Audience.PUBLIC, Access.GRANTED, Access.GRANTED),
        (Audience.OWNER, Access.UNAUTHENTICATED, Access.GRANTED),
        (Audience.STAFF, Access.UNAUTHENTICATED, Access.FORBIDDEN),
    ],
)
def test_reading_is_for_the_audience(audience, anonymous, customer):
    for method in ("GET", "HEAD"):
        assert access(audience, method=method, subject=None, role=None) is anonymous
        assert access(audience, method=method, subject="cust_0001", role="customer") is customer


@pytest.mark.parametrize("audience", list(Audience))
def test_writing_is_for_staff_alone(audience):
    assert access(audience, method="POST", subject=None, role=None) is Access.UNAUTHENTICATED
    assert access(audience, method="POST", subject="cust_0001", role="customer") is Access.FORBIDDEN
    assert access(audience, method="POST", subject="wh_1", role="warehouse") is Access.FORBIDDEN


def test_an_unknown_role_has_no_rights_of_its_own():
    assert access(Audience.OWNER, method="GET", subject="x", role="king") is Access.FORBIDDEN
    assert access(Audience.OWNER, method="GET", subject="x", role="") is Access.FORBIDDEN


def test_a_token_without_a_role_is_a_customer_s():
    assert access(Audience.OWNER, method="GET", subject="x", role=None) is Access.GRANTED
    assert access(Audience.STAFF, method="GET", subject="x", role=None) is Access.FORBIDDEN
