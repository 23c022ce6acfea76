"""Which side a request takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matapalo.strangler.routing.decide import Reason, Request, SideDecision, decide, is_shadowed, takes_new_side
from matapalo.strangler.routing.route import Match, Side, covers
from tests.matapalo.strangler.builders import a_route

USERS = [f"cust_{number:04}" for number in range(1, 5001)]
subjects = st.text(min_size=1, max_size=20)
shares = st.integers(0, 10_000)
seeds = st.integers(0, 2**32 - 1)


@given(subject=subjects, seed=seeds, lower=shares, higher=shares)
def test_raising_the_share_never_moves_anyone_back(subject, seed, lower, higher):
    lower, higher = sorted((lower, higher))
    if takes_new_side(subject, seed=seed, share_bp=lower):
        assert takes_new_side(subject, seed=seed, share_bp=higher)


@given(subject=subjects, seed=seeds)
def test_at_nothing_nobody_and_at_the_whole_everybody_is_new(subject, seed):
    assert not takes_new_side(subject, seed=seed, share_bp=0)
    assert takes_new_side(subject, seed=seed, share_bp=10_000)


@pytest.mark.parametrize("share_bp", [100, 500, 2_500, 5_000])
def test_the_share_is_the_share_of_the_users(share_bp):
    new = sum(takes_new_side(user, seed=2, share_bp=share_bp) for user in USERS)
    assert new / len(USERS) == pytest.approx(share_bp / 10_000, abs=0.02)


def test_two_seeds_put_different_users_first():
    first, second = ({user for user in USERS if takes_new_side(user, seed=seed, share_bp=2_500)} for seed in (1, 2))
    assert len(first & second) / len(USERS) == pytest.approx(0.25**2, abs=0.02)


def test_the_hash_is_the_published_one():
    # xxh64 of the empty string with seed 0, from the specification
    assert takes_new_side("", seed=0, share_bp=10_000 - 0xEF46DB3751D8E999 % 10_000)
    assert not takes_new_side("", seed=0, share_bp=9_999 - 0xEF46DB3751D8E999 % 10_000)


@pytest.mark.parametrize("side", list(Side))
def test_a_forced_side_comes_before_everything(side):
    route = a_route(share_bp=2_500, writes=Side.LEGACY)
    for method in ("GET", "POST"):
        assert decide(route, Request(method, "cust_0001", force=side)) == SideDecision(side, Reason.FORCED)


def test_a_force_that_names_no_side_is_no_force():
    assert decide(a_route(), Request("GET", force="NEW")) == SideDecision(Side.LEGACY, Reason.DEFAULT)


@pytest.mark.parametrize("writes", list(Side))
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_writes_of_all_users_go_to_one_side(writes, method):
    route = a_route(share_bp=5_000, writes=writes)
    decisions = {decide(route, Request(method, user)) for user in USERS[:50]}
    assert decisions == {SideDecision(writes, Reason.METHOD)}


def test_without_a_subject_a_shared_route_stays_legacy():
    for subject in (None, ""):
        route = a_route(share_bp=9_999, writes=Side.NEW)
        assert decide(route, Request("GET", subject)) == SideDecision(Side.LEGACY, Reason.NO_SUBJECT)


def test_at_the_whole_nobody_needs_a_subject():
    assert decide(a_route(share_bp=10_000), Request("GET")) == SideDecision(Side.NEW, Reason.DEFAULT)


@pytest.mark.parametrize("path", ["/api/orders", "/api/orders/", "/api/orders/1", "/api/orders?ids=1"])
def test_a_prefix_covers_itself_what_is_below_it_and_its_queries(path):
    assert covers("/api/orders", path)


@pytest.mark.parametrize("path", ["/api/ordersX", "/api/order", "/api/Orders", "/api/orders;x=1", "/", "/x/api/orders"])
def test_a_prefix_covers_no_other_word(path):
    assert not covers("/api/orders", path)


RULES = a_route(
    writes=Side.LEGACY,
    canary=(Match(value="beta"), Match(value="old", side=Side.LEGACY)),
    cohorts=(Match(value="staff"), Match(value="slow", side=Side.LEGACY)),
    users=("cust_0001",),
)


@pytest.mark.parametrize(
    ("request_", "decision"),
    [
        (Request("GET", "cust_0001", "legacy", "beta"), (Side.LEGACY, Reason.FORCED)),
        (Request("POST", "cust_0001", canary="beta"), (Side.LEGACY, Reason.METHOD)),
        (Request("GET", "cust_0001", canary="old", cohort="staff"), (Side.LEGACY, Reason.CANARY)),
        (Request("GET", canary="beta"), (Side.NEW, Reason.CANARY)),
        (Request("GET", "cust_0001", cohort="slow"), (Side.LEGACY, Reason.COHORT)),
        (Request("GET", "cust_0001"), (Side.NEW, Reason.USER)),
        (Request("GET", "cust_00011", canary="BETA", cohort="Staff"), (Side.LEGACY, Reason.DEFAULT)),
    ],
)
def test_the_rules_apply_in_their_order(request_, decision):
    assert decide(RULES, request_) == decision


def test_a_retired_route_has_no_legacy_side_to_force():
    route = a_route(share_bp=10_000, retired=True)
    assert decide(route, Request("GET", force="legacy")) == SideDecision(Side.NEW, Reason.DEFAULT)
    assert decide(route, Request("GET", force="new")) == SideDecision(Side.NEW, Reason.FORCED)


def test_users_are_compared_regardless_of_their_side():
    route = a_route(share_bp=2_500, shadow_bp=2_500, writes=Side.LEGACY)
    shadowed = {user for user in USERS if is_shadowed(route, Request("GET", user))}
    new = {user for user in USERS if decide(route, Request("GET", user)).side is Side.NEW}
    assert len(shadowed) / len(USERS) == pytest.approx(0.25, abs=0.02)
    assert len(shadowed & new) / len(USERS) == pytest.approx(0.25**2, abs=0.02)


def test_only_gets_without_a_force_are_compared():
    route = a_route(shadow_bp=10_000)
    assert is_shadowed(route, Request("GET"))
    for request_ in (Request("HEAD"), Request("POST"), Request("GET", force="new")):
        assert not is_shadowed(route, request_)
    assert not is_shadowed(a_route(shadow_bp=9_999), Request("GET")), "below the whole, a GET without a subject is not"
