"""Outside REST clients: the strangled routes, who sees what, and that identity cannot be forged."""

import pytest

from tests.harness.platform import Platform

pytestmark = pytest.mark.stack

CUSTOMERS = [f"cust_{n:04}" for n in range(1, 25)]


def test_a_user_always_gets_one_side_and_both_sides_have_users(platform: Platform) -> None:
    sides = {}
    for customer in CUSTOMERS:
        headers = platform.customer(customer)
        targets = {platform.get("/api/orders", headers).headers["x-strangler-target"] for _ in range(5)}
        assert len(targets) == 1
        sides[customer] = targets.pop()
    assert set(sides.values()) == {"legacy", "new"}


def test_both_sides_of_a_route_respond_alike(platform: Platform) -> None:
    responses = [platform.get("/api/orders?limit=3", platform.customer(customer)) for customer in CUSTOMERS]

    assert {response.status for response in responses} == {200}
    assert {tuple(response.body) for response in responses} == {("items", "next_cursor")}


def test_spoofed_identity_headers_change_nothing(platform: Platform) -> None:
    spoof = {"x-user-id": "cust_0002", "x-role": "operator", "x-tier": "enterprise", "x-strangler-force": "new"}
    honest = platform.get("/api/orders", platform.customer())
    spoofed = platform.get("/api/orders", platform.customer() | spoof)

    assert spoofed.body == honest.body
    assert spoofed.headers["x-strangler-target"] == honest.headers["x-strangler-target"]
    assert platform.get("/api/orders", spoof).status == 401


def test_another_customers_order_is_not_found(platform: Platform) -> None:
    (theirs,) = platform.get("/api/orders?limit=1", platform.customer("cust_0002")).body["items"]
    foreign = platform.get(f"/api/orders/{theirs['id']}", platform.customer("cust_0001"))

    assert foreign.status == 404
    assert foreign.headers["content-type"].startswith("application/problem+json")
    assert platform.get(f"/api/orders/{theirs['id']}", platform.customer("cust_0002")).status == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/products", 200),
        ("/api/recommendations", 200),
        ("/api/orders", 401),
        ("/api/customers/cust_0001", 401),
        ("/api/payments", 401),
    ],
)
def test_without_a_token_there_are_products_only(platform: Platform, path: str, status: int) -> None:
    assert platform.get(path).status == status


def test_a_bad_token_is_refused_with_a_problem(platform: Platform) -> None:
    response = platform.get("/api/orders", {"authorization": "Bearer not.a.token"})

    assert response.status == 401
    assert response.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("path", ["/api/%6frders", "//api/orders", "/api/x/../orders", "/api/orders?ids=ord_1"])
def test_a_hostile_spelling_reaches_its_own_route_or_nothing(platform: Platform, path: str) -> None:
    assert platform.get(path).status in {400, 401, 404}
    assert platform.get(path, platform.customer()).status in {200, 400, 404}


def test_a_longer_word_is_another_path(platform: Platform) -> None:
    assert platform.get("/api/ordersX", platform.customer()).status == 404


@pytest.mark.parametrize("path", ["/admin/routes", "/metrics", "/__fault", "/api/../admin/routes"])
def test_what_operates_the_platform_is_not_routed_at_the_edge(platform: Platform, path: str) -> None:
    assert platform.get(path, platform.staff("operator")).status in {400, 404}


def test_the_landing_page_links_to_everything(platform: Platform) -> None:
    page = platform.get("/")

    assert page.status == 200
    for link in ("/web/graphql", "/mobile/graphql", str(8233 + platform.offset)):
        assert link in page.body
