"""A bad table is refused with sentences that name the thing, its value and the next step."""

from pathlib import Path

import pytest

from matapalo.strangler.errors import InvalidRoutes
from matapalo.strangler.routing.document import parse_toml
from matapalo.strangler.routing.route import Audience, Match, Side
from matapalo.strangler.routing.validate import find_problems, validated
from tests.harness.shop import UPSTREAMS as UPSTREAMS_OF_THE_SHOP
from tests.matapalo.strangler.builders import a_route

UPSTREAMS = ("legacy", "orders", "customers")


def problems(*routes):
    return list(find_problems(routes, upstreams=UPSTREAMS))


def test_the_repository_s_routes_are_valid_and_as_designed():
    routes = parse_toml(Path("gateway/routes.toml").read_text(encoding="utf-8"), origin="routes.toml")
    validated(routes, upstreams=UPSTREAMS_OF_THE_SHOP)

    assert {route.name: route.share_bp for route in routes} == {
        "customers": 10_000,
        "orders": 2_500,
        "products": 0,
        "payments": 0,
        "inventory": 0,
        "shipping": 0,
        "recommendations": 0,
    }
    assert {route.name for route in routes if route.audience is Audience.PUBLIC} == {"products", "recommendations"}
    assert {route.name for route in routes if route.audience is Audience.OWNER} == {"customers", "orders"}


@pytest.mark.parametrize(
    ("route", "sentence"),
    [
        (
            a_route(new="odrers"),
            "route 'orders': new is 'odrers', which is no upstream: use one of customers, legacy, orders, "
            "or add it to GATEWAY_UPSTREAMS",
        ),
        (
            a_route(share_bp=10_001, writes=Side.LEGACY),
            "route 'orders': share_bp is 10001: give basis points from 0 (all legacy) to 10000 (all new); 25 % is 2500",
        ),
        (
            a_route(share_bp=2_500),
            "route 'orders': at 25 % writes would be split between 'orders' and 'legacy', and two writers of one thing "
            'lose updates: set writes = "legacy" or writes = "new"',
        ),
        (
            a_route(prefix="/api/orders/"),
            "route 'orders': prefix is '/api/orders/': write a path below /api in lower case without a slash at its "
            "end, for example /api/things",
        ),
        (
            a_route(seed=-1),
            "route 'orders': seed is -1: give a number from 0 to 4294967295 and never change it afterwards",
        ),
        (
            a_route(users=("cust_0001", "a|b"), writes=Side.LEGACY),
            "route 'orders': users names 'a|b': an id is 1-64 of A-Z, a-z, 0-9, '_', '-'",
        ),
        (
            a_route(users=tuple(f"cust_{n}" for n in range(1_001)), writes=Side.LEGACY),
            "route 'orders': users are 1001: 1000 are the most; give a larger group a cohort in its tokens and name "
            "that under cohorts",
        ),
        (
            a_route(canary=(Match(value="Beta"),), writes=Side.LEGACY),
            "route 'orders': canary names 'Beta': a value is 1-32 of a-z, 0-9, '-'",
        ),
        (
            a_route(cohorts=(Match(value="a"), Match(value="a", side=Side.LEGACY)), writes=Side.LEGACY),
            "route 'orders': cohorts names 'a' twice: only the first would ever apply, remove one",
        ),
        (
            a_route(cohorts=(Match(value="staff"),)),
            "route 'orders': its canary, cohorts or users would send some writes to new and all others to legacy, and "
            'two writers of one thing lose updates: set writes = "legacy" or writes = "new"',
        ),
        (
            a_route(timeout_ms=10),
            "route 'orders': timeout_ms is 10: give 50 to 60000 ms; callers wait 5000 ms at most",
        ),
        (a_route(retries=4), "route 'orders': retries is 4: give 0 to 3; only safe requests are repeated"),
        (
            a_route(shadow_bp=100),
            "route 'orders': shadow_bp is 100, and there is no upstream 'compare' to compare at: add it to "
            "GATEWAY_UPSTREAMS, or set shadow_bp = 0",
        ),
        (
            a_route(retired=True, share_bp=2_500, writes=Side.LEGACY),
            "route 'orders': it is retired, so there is no legacy side to go to: set share_bp = 10000, "
            'writes = "new"',
        ),
        (
            a_route(name="Orders", prefix="/api/orders", new="orders"),
            "route 'Orders': the name must be 1-32 of a-z, 0-9 and '-', starting with a-z: rename it",
        ),
    ],
)
def test_a_broken_rule_is_one_sentence(route, sentence):
    assert problems(route) == [sentence]


@pytest.mark.parametrize("prefix", ["", "/", "/api", "/orders", "/api/../x", "/api/or ders", "/api/a?b", "/API/x"])
def test_no_prefix_outside_api_or_with_odd_letters(prefix):
    assert len(problems(a_route(prefix=prefix))) == 1


def test_routes_may_not_overlap():
    inner = a_route("customers", prefix="/api/orders/customers", seed=3)
    assert problems(a_route(), inner) == [
        "routes 'orders' and 'customers' overlap: /api/orders and /api/orders/customers cover the same requests: "
        "give them separate prefixes"
    ]


def test_a_longer_word_is_no_overlap():
    assert problems(a_route(), a_route("orders-old", prefix="/api/orders-old", new="orders", seed=3)) == []


def test_routes_may_not_share_a_seed():
    assert problems(a_route(), a_route("customers")) == [
        "routes 'orders' and 'customers' have the same seed 2, so the same users would be first in both migrations: "
        "give the newer one another seed"
    ]


def test_routes_may_not_share_a_name():
    assert "routes 'orders' and 'orders' have the same name: rename one" in problems(
        a_route(), a_route(prefix="/api/others", seed=3)
    )


def test_a_route_that_names_users_says_where_writes_go():
    assert len(problems(a_route(users=("cust_0001",)))) == 1
    assert problems(a_route(users=("cust_0001",), writes=Side.LEGACY)) == []
    assert problems(a_route(users=("cust_0001",), share_bp=10_000)) == []


def test_a_retired_route_needs_no_legacy_upstream():
    assert problems(a_route(retired=True, share_bp=10_000, legacy="gone")) == []


def test_all_problems_are_told_at_once():
    with pytest.raises(InvalidRoutes) as raised:
        validated([a_route(new="x", legacy="y", share_bp=-1)], upstreams=UPSTREAMS)
    assert len(raised.value.problems) == 3
    assert str(raised.value) == "\n".join(raised.value.problems)
