"""Envoy and the rules in Python decide alike: on the repository's routes, and on random ones.

Every question goes to a real Envoy; who answered is read from the upstream's own answer, not from a header.
"""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.routing.access import Access, access
from gateway.routing.decide import Decision, Request, decide
from gateway.routing.route import Audience, Route, Side, covers
from tests.gateway.stand import Answer, Stand, routes_of_the_repository, stand
from tests.support.tokens import bearer

pytestmark = pytest.mark.stack

USERS = [f"cust_{number:04}" for number in range(1, 1001)]
ROUTES = {route.name: route for route in routes_of_the_repository()}
NAMES = ("customers", "orders", "products", "payments", "inventory")


@pytest.fixture(scope="module")
def envoy() -> Iterator[Stand]:
    with stand() as running:
        yield running


def side_of(answer: Answer) -> Side:
    return Side.LEGACY if answer.json["upstream"] == "legacy" else Side.NEW


def told(answer: Answer) -> tuple[str | None, str]:
    return answer.target, answer.headers["x-strangler-reason"]


def rule(name: str, decision: Decision) -> tuple[str | None, str]:
    return decision.side, f"{name}:{decision.side}:{decision.reason}"


def test_a_thousand_users_are_on_the_side_the_rule_says(envoy: Stand) -> None:
    orders = ROUTES["orders"]
    for user in USERS:
        answer = envoy.internal.get("/api/orders", {"x-user-id": user})
        decision = decide(orders, Request("GET", user))
        assert side_of(answer) is decision.side, user
        assert told(answer) == rule("orders", decision), user


def test_a_user_is_on_the_same_side_at_the_edge_and_inside(envoy: Stand) -> None:
    for user in USERS[:60]:
        inside = envoy.internal.get("/api/orders?limit=1", {"x-user-id": user})
        outside = envoy.edge.get("/api/orders", bearer(user))
        assert (outside.target, side_of(outside)) == (inside.target, side_of(inside)), user


def test_asking_again_changes_nothing(envoy: Stand) -> None:
    for user in USERS[:5]:
        assert len({envoy.edge.get(f"/api/orders/{n}", bearer(user)).target for n in range(10)}) == 1


@pytest.mark.parametrize("name", [name for name in ROUTES if name != "shipping"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
@pytest.mark.parametrize("force", [None, "new", "legacy", "NEW"])
def test_method_and_force_decide_as_the_rule_says(envoy: Stand, name: str, method: str, force: str | None) -> None:
    for user in (None, "cust_0001", "cust_0002", "cust_0003"):
        headers = {"x-user-id": user, "x-strangler-force": force}
        present = {header: value for header, value in headers.items() if value is not None}
        answer = envoy.internal.ask(method, f"/api/{name}", present)
        assert told(answer) == rule(name, decide(ROUTES[name], Request(method, user, force)))


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("role", [None, "customer", "warehouse", "operator", "service", "king"])
def test_the_edge_lets_in_whom_the_rule_lets_in(envoy: Stand, name: str, role: str | None) -> None:
    headers = bearer("someone", role=role) if role else {}
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
        answer = envoy.edge.ask(method, f"/api/{name}/1", headers)
        allowed = access(ROUTES[name].audience, method=method, subject="someone" if role else None, role=role)
        assert answer.status == allowed, (name, role, method)
        assert allowed is Access.GRANTED or answer.headers["content-type"] == "application/problem+json"


shares = st.sampled_from([0, 1, 100, 2_500, 5_000, 9_999, 10_000])
tables = st.lists(
    st.builds(
        Route,
        name=st.sampled_from(NAMES),
        prefix=st.sampled_from(["/api/a", "/api/ab", "/api/a-b", "/api/b/c", "/api/b/cd"]),
        new=st.sampled_from(NAMES),
        seed=st.integers(0, 2**32 - 1),
        share_bp=shares,
        writes=st.sampled_from(Side),
        audience=st.sampled_from(Audience),
    ),
    min_size=1,
    max_size=4,
    unique_by=(lambda route: route.name, lambda route: route.prefix),
)
paths = st.sampled_from(["/api/a", "/api/ab", "/api/a-b", "/api/a-bc", "/api/b", "/api/b/c", "/api/b/cd", "/api/b/cde"])
endings = st.sampled_from(["", "/", "/1", "?x=/api/ab", "/1?x=1", ";v=1", "X"])
users = st.none() | st.text("abcdefghijklmnopqrstuvwxyz0123456789_-", min_size=1, max_size=24)
requests = st.builds(
    Request, st.sampled_from(["GET", "HEAD", "POST", "PATCH"]), users, st.sampled_from([None, "new", "legacy", "old"])
)


def test_on_random_tables_too() -> None:
    @settings(max_examples=12, deadline=None, database=None)
    @given(table=tables, asked=st.lists(st.tuples(paths, endings, requests), min_size=20, max_size=40))
    def agree(table: list[Route], asked: list[tuple[str, str, Request]]) -> None:
        running.apply(tuple(table))
        for path, ending, request in asked:
            check(running, table, path + ending, request)

    with stand() as running:
        agree()


def check(envoy: Stand, table: list[Route], path: str, request: Request) -> None:
    headers = {"x-user-id": request.subject, "x-strangler-force": request.force}
    present = {header: value for header, value in headers.items() if value is not None}
    answer = envoy.internal.ask(request.method, path, present)
    route = next((route for route in table if covers(route.prefix, path)), None)
    if route is None:
        assert answer.status == 404
    else:
        assert told(answer) == rule(route.name, decide(route, request))
