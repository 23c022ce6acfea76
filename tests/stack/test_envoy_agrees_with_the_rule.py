"""Envoy and the rules in Python decide alike: on the repository's routes, and on random ones.

Every request goes to a real Envoy; the side is read from the upstream's own response, not from a header.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matapalo.strangler.routing.access import Access, access
from matapalo.strangler.routing.decide import Request, SideDecision, decide, is_shadowed
from matapalo.strangler.routing.explain import explain
from matapalo.strangler.routing.route import Audience, Match, Route, Side, covers
from matapalo.strangler.routing.validate import validated
from tests.harness.eventually import eventually_sync
from tests.harness.tokens import bearer
from tests.matapalo.strangler.envoy.normalized_path import normalized
from tests.matapalo.strangler.envoy_harness import EnvoyHarness, Response, envoy_harness, routes_of_the_repository

pytestmark = pytest.mark.stack

USERS = [f"cust_{number:04}" for number in range(1, 1001)]
ROUTES = {route.name: route for route in routes_of_the_repository()}
NAMES = ("customers", "orders", "products", "payments", "inventory")


@pytest.fixture(scope="module")
def envoy() -> Iterator[EnvoyHarness]:
    with envoy_harness() as running:
        yield running


def side_of(response: Response) -> Side:
    return Side.LEGACY if response.json["upstream"] == "legacy" else Side.NEW


def named_rule(response: Response) -> tuple[str | None, str]:
    return response.target, response.headers["x-strangler-reason"]


def expected_rule(name: str, decision: SideDecision) -> tuple[str | None, str]:
    return decision.side, f"{name}:{decision.side}:{decision.reason}"


def test_a_thousand_users_are_on_the_side_the_rule_says(envoy: EnvoyHarness) -> None:
    orders = ROUTES["orders"]
    for user in USERS:
        response = envoy.internal.get("/api/orders", {"x-user-id": user})
        decision = decide(orders, Request("GET", user))
        assert side_of(response) is decision.side, user
        assert named_rule(response) == expected_rule("orders", decision), user


def test_a_user_is_on_the_same_side_at_the_edge_and_inside(envoy: EnvoyHarness) -> None:
    for user in USERS[:60]:
        inside = envoy.internal.get("/api/orders?limit=1", {"x-user-id": user})
        outside = envoy.edge.get("/api/orders", bearer(user))
        assert (outside.target, side_of(outside)) == (inside.target, side_of(inside)), user


def test_a_user_stays_on_a_side_request_after_request(envoy: EnvoyHarness) -> None:
    for user in USERS[:5]:
        assert len({envoy.edge.get(f"/api/orders/{n}", bearer(user)).target for n in range(10)}) == 1


@pytest.mark.parametrize("name", [name for name in ROUTES if name != "shipping"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
@pytest.mark.parametrize("force", [None, "new", "legacy", "NEW"])
def test_method_and_force_decide_as_the_rule_says(
    envoy: EnvoyHarness, name: str, method: str, force: str | None
) -> None:
    for user in (None, "cust_0001", "cust_0002", "cust_0003"):
        headers = {"x-user-id": user, "x-strangler-force": force}
        present = {header: value for header, value in headers.items() if value is not None}
        response = envoy.internal.request(method, f"/api/{name}", present)
        assert named_rule(response) == expected_rule(name, decide(ROUTES[name], Request(method, user, force)))


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("role", [None, "customer", "warehouse", "operator", "service"])
def test_the_edge_lets_in_whom_the_rule_lets_in(envoy: EnvoyHarness, name: str, role: str | None) -> None:
    headers = bearer("someone", role=role) if role else {}
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
        response = envoy.edge.request(method, f"/api/{name}/1", headers)
        allowed = access(ROUTES[name].audience, method=method, subject="someone" if role else None, role=role)
        assert response.status == allowed, (name, role, method)
        assert allowed is Access.GRANTED or response.headers["content-type"] == "application/problem+json"


def test_ten_thousand_users_are_where_explain_says(envoy: EnvoyHarness) -> None:
    orders = ROUTES["orders"]
    for number in range(1, 10_001):
        user = f"u-{number}"
        explanation = explain(orders, Request("GET", user))
        response = envoy.internal.get("/api/orders", {"x-user-id": user})
        assert (response.target, side_of(response)) == (explanation.side, explanation.side), user


shares = st.sampled_from([0, 1, 100, 2_500, 5_000, 9_999, 10_000])
words = st.sampled_from(["beta", "b", "old-1", "x"])
users = st.sampled_from(["a", "a-1", "a_1", "A", "cust_0001", "0", "-"]) | st.text(
    "abcdefghijklmnopqrstuvwxyz0123456789_-", min_size=1, max_size=24
)


def rules() -> st.SearchStrategy[tuple[Match, ...]]:
    matches = st.builds(Match, value=words, side=st.sampled_from(Side))
    return st.lists(matches, max_size=2, unique_by=lambda rule: rule.value).map(tuple)


def a_valid_route(**fields: Any) -> Route:
    """Retired ones have nothing left of legacy."""
    if fields["retired"]:
        to_new = {rules: tuple(rule for rule in fields[rules] if rule.side is Side.NEW) for rules in MATCHING}
        fields |= {**to_new, "share_bp": 10_000, "shadow_bp": 0, "writes": Side.NEW}
    elif fields["writes"] is None:
        fields |= {"share_bp": 10_000 if fields["share_bp"] > 5_000 else 0, "users": (), "canary": (), "cohorts": ()}
    return Route(**fields)


MATCHING = ("canary", "cohorts")
a_route = st.builds(
    a_valid_route,
    name=st.sampled_from(NAMES),
    prefix=st.sampled_from(["/api/a", "/api/ab", "/api/a-b", "/api/b/c", "/api/b/cd"]),
    new=st.sampled_from(NAMES),
    seed=st.integers(0, 2**32 - 1),
    share_bp=shares,
    writes=st.none() | st.sampled_from(Side),
    canary=rules(),
    cohorts=rules(),
    users=st.lists(users, max_size=30, unique=True).map(tuple),
    audience=st.sampled_from(Audience),
    timeout_ms=st.sampled_from([50, 5_000, 60_000]),
    retries=st.integers(0, 3),
    fallback=st.booleans(),
    shadow_bp=shares,
    retired=st.sampled_from([False, False, False, True]),
)
tables = st.lists(
    a_route,
    min_size=1,
    max_size=4,
    unique_by=(lambda route: route.name, lambda route: route.prefix, lambda route: route.seed),
)
bases = st.sampled_from(["/api/a", "/api/ab", "/api/a-b", "/api/a-bc", "/api/b", "/api/b/c", "/api/b/cd", "/api/b/cde"])
endings = st.sampled_from(["", "/", "/1", "?x=/api/ab", "/1?x=1", ";v=1", "X"])
pieces = st.sampled_from(
    [
        *(
            "/",
            "//",
            "/.",
            "/..",
            "/%2e%2e",
            "/%2E",
            "/..;x",
            "/.;",
            "\\",
            "\\..",
            "%2f",
            "%5C",
            "%00",
            "#x",
            "?",
            "?y=/../",
        ),
        *(
            "a",
            "A",
            "%61",
            "%41",
            "-b",
            "/c",
            "c",
            ";v=1",
            "%20",
            "%zz",
            "%3f",
            "%23",
            "%C3%A9",
            "~",
            "%7e",
            "|",
            '"',
            "<",
        ),
        *("/api/a", "/b", "{", "}", "^", "`", "[", "'", "(", "*", "+", "%25", "@", ":", "&", "=", "$", "!", "..", "."),
    ]
)
hostile = st.builds(lambda base, more: base + "".join(more), bases, st.lists(pieces, max_size=5))
paths = st.builds(str.__add__, bases, endings) | hostile
random_requests = st.builds(
    Request,
    st.sampled_from(["GET", "GET", "HEAD", "POST", "PATCH", "OPTIONS"]),
    st.none() | users,
    st.sampled_from([None, None, "new", "legacy", "old", "NEW"]),
    st.none() | words | st.sampled_from(["BETA", "beta,b", ""]),
    st.none() | words | st.sampled_from(["Beta"]),
)


def test_on_thousands_of_random_routes_and_requests_too() -> None:
    @settings(max_examples=60, deadline=None, database=None)
    @given(table=tables, requests=st.lists(st.tuples(paths, random_requests), min_size=40, max_size=80))
    def agree(table: list[Route], requests: list[tuple[str, Request]]) -> None:
        validated(table, upstreams=running.settings.upstreams)
        running.apply(tuple(table))
        for path, request in requests:
            check(running, table, path, request)

    with envoy_harness() as running:
        agree()


def check(envoy: EnvoyHarness, table: list[Route], path: str, request: Request) -> None:
    response = envoy.internal.request(request.method, path, headers_of(request))
    spelling = normalized(path)
    route = next((route for route in table if spelling is not None and covers(route.prefix, spelling)), None)
    if spelling is None:
        assert response.status == 400, path
    elif route is None:
        assert response.status == 404, path
    else:
        assert named_rule(response) == expected_rule(route.name, decide(route, request)), path


def headers_of(request: Request) -> dict[str, str]:
    headers = {
        "x-user-id": request.subject,
        "x-strangler-force": request.force,
        "x-canary": request.canary,
        "x-cohort": request.cohort,
    }
    return {header: value for header, value in headers.items() if value is not None}


def test_the_comparator_gets_the_reads_of_the_rule_and_no_token() -> None:
    table = tuple(
        msgspec.structs.replace(ROUTES[name], shadow_bp=shadow_bp, fallback=name == "orders")
        for name, shadow_bp in (("orders", 2_500), ("products", 10_000))
    )
    requests = [
        (route, Request(method, user, force))
        for route in table
        for user in (None, *USERS[:100])
        for method, force in (("GET", None), ("HEAD", None), ("GET", "new"), ("POST", None))
    ]
    expected = sorted((r.name, q.subject or "") for r, q in requests if is_shadowed(r, q))
    with envoy_harness() as running:
        running.apply(table)
        for route, request in requests:
            running.internal.request(
                request.method, f"{route.prefix}?x=1", headers_of(request) | {"authorization": "x"}
            )
        eventually_sync(lambda: running.mirrored.qsize() >= len(expected), message="the copies arrive")
        copies = [running.mirrored.get() for _ in range(running.mirrored.qsize())]
    mirrored = sorted((copy.headers["x-strangler-route"], copy.headers.get("x-user-id", "")) for copy in copies)
    assert mirrored == expected
    assert {copy.method for copy in copies} == {"GET"}
    assert {copy.path for copy in copies} == {"/api/orders?x=1", "/api/products?x=1"}
    assert not any("authorization" in copy.headers for copy in copies)
