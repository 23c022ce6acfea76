"""The paths that the edge serves, under every spelling, and Envoy's own responses."""

import json
import stat
from collections.abc import Iterator

import pytest

from tests.harness.eventually import eventually_sync
from tests.harness.tokens import bearer
from tests.matapalo.strangler.envoy_harness import EnvoyHarness, envoy_harness

pytestmark = pytest.mark.stack

OPERATOR = bearer("op_1", role="operator")


@pytest.fixture(scope="module")
def envoy() -> Iterator[EnvoyHarness]:
    with envoy_harness() as running:
        yield running


@pytest.mark.parametrize(
    ("path", "reached"),
    [
        ("/api/orders", "/api/orders"),
        ("/api/orders/", "/api/orders/"),
        ("/api/orders/ord_1", "/api/orders/ord_1"),
        ("/api/orders?ids=a,b", "/api/orders?ids=a,b"),
        ("/api/orders?next=/api/payments", "/api/orders?next=/api/payments"),
        ("/api/orders?x=%2f..%2f", "/api/orders?x=%2f..%2f"),
        ("/api/%6frders", "/api/orders"),
        ("//api/orders", "/api/orders"),
        ("/api//orders", "/api/orders"),
        ("/api/x/../orders", "/api/orders"),
        ("/api/./orders", "/api/orders"),
        ("/api/x/%2e%2e/orders", "/api/orders"),
    ],
)
def test_a_spelling_is_routed_and_forwarded_as_the_path_it_means(envoy: EnvoyHarness, path: str, reached: str) -> None:
    response = envoy.edge.get(path, OPERATOR)
    assert (response.status, response.json["path"]) == (200, reached)


@pytest.mark.parametrize(
    "path", ["/api/x/../payments", "/api/orders/../payments", "/api/orders/%2e%2e/payments", "//api//payments"]
)
def test_no_spelling_of_a_forbidden_path_is_allowed(envoy: EnvoyHarness, path: str) -> None:
    assert envoy.edge.get(path, bearer()).status == 403
    assert envoy.edge.get(path).status == 401


@pytest.mark.parametrize(
    "path",
    [
        *("/api", "/api/", "/api/ordersX", "/api/order", "/API/orders", "/api/Orders", "/api/orders;v=1", "/apiorders"),
        *("/admin", "/admin/routes", "/metrics", "/readyz", "/__fault", "/graphql", "/web", "/web/graphqlX"),
        *("/web/graphql/../../admin", "/web/graphql/../metrics", "/console/../admin/routes", "/Web/graphql"),
        *("/api/orders/../../admin", "/nothing?x=/api/orders", "/healthz/x", "/index.html"),
    ],
)
def test_everything_else_is_404(envoy: EnvoyHarness, path: str) -> None:
    response = envoy.edge.get(path, OPERATOR)
    assert (response.status, response.headers["content-type"]) == (404, "application/problem+json")
    assert response.json == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is nothing at this address.",
    }


@pytest.mark.parametrize(
    "path", ["/api%2forders", "/api/orders/..%2f..%2fadmin", "/api/orders%5c..", "/api/orders%00", "/api/orders#x"]
)
def test_a_path_that_hides_something_is_400(envoy: EnvoyHarness, path: str) -> None:
    assert envoy.edge.get(path, OPERATOR).status == 400


@pytest.mark.parametrize(("client", "upstream"), [("web", "bff-web"), ("mobile", "bff-mobile")])
@pytest.mark.parametrize(
    ("below", "reached"),
    [
        ("", "/graphql"),
        ("?query=%7B__typename%7D", "/graphql?query=%7B__typename%7D"),
        ("/", "/graphql/"),
        ("/assets/app.js?v=1", "/graphql/assets/app.js?v=1"),
    ],
)
def test_a_client_s_graphql_is_its_bff_s(
    envoy: EnvoyHarness, client: str, upstream: str, below: str, reached: str
) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        echo = envoy.edge.request(method, f"/{client}/graphql{below}").json
        assert (echo["upstream"], echo["method"], echo["path"]) == (upstream, method, reached)


def test_the_console_is_the_control_plane_s(envoy: EnvoyHarness) -> None:
    echo = envoy.edge.get("/console/assets/x.css").json
    assert (echo["upstream"], echo["path"]) == ("control", "/console/assets/x.css")


def test_inside_there_are_only_the_routes(envoy: EnvoyHarness) -> None:
    assert envoy.internal.get("/healthz").json == {"status": "ok"}
    assert envoy.internal.get("/api/orders").json["upstream"] == "legacy"
    for path in ("/", "/web/graphql", "/console", "/admin/routes", "/metrics"):
        assert envoy.internal.get(path).status == 404


def test_the_admin_interface_is_for_its_owner(envoy: EnvoyHarness) -> None:
    assert stat.S_IMODE(envoy.settings.admin_socket.stat().st_mode) == 0o600


def test_the_landing_page_needs_nothing_from_elsewhere(envoy: EnvoyHarness) -> None:
    page = envoy.edge.get("/")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert envoy.edge.get("/?utm=1").text == page.text


def test_the_target_is_the_upstream_that_responded(envoy: EnvoyHarness) -> None:
    # The upstreams of these tests claim x-strangler-target: nonsense.
    for user in (f"cust_{number:04}" for number in range(1, 20)):
        response = envoy.edge.get("/api/orders", bearer(user))
        assert response.target == {"orders": "new", "legacy": "legacy"}[response.json["upstream"]]
        assert "x-strangler-reason" not in response.headers


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_service_that_is_down_is_a_503_that_names_the_side(envoy: EnvoyHarness, method: str) -> None:
    response = envoy.edge.request(method, "/api/shipping", OPERATOR | {"x-force": "new"})
    assert (response.status, response.headers["content-type"]) == (503, "application/problem+json")
    assert response.json["type"] == "/problems/service-unavailable"
    assert response.target == "new"
    assert "127.0.0.1" not in response.text


def test_a_request_keeps_its_id_or_gets_one(envoy: EnvoyHarness) -> None:
    response = envoy.edge.get("/api/products", {"x-request-id": "my-request-1"})
    assert response.headers["x-request-id"] == response.json["headers"]["x-request-id"] == "my-request-1"
    response = envoy.edge.get("/api/products")
    assert response.headers["x-request-id"] == response.json["headers"]["x-request-id"] != ""


def test_the_trace_context_passes(envoy: EnvoyHarness) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert envoy.edge.get("/api/products", {"traceparent": trace}).json["headers"]["traceparent"] == trace


def test_one_forwarded_hop_is_added_to_what_the_client_claims(envoy: EnvoyHarness) -> None:
    claimed = envoy.edge.get("/web/graphql", {"x-forwarded-for": "203.0.113.9"}).json["headers"]["x-forwarded-for"]
    assert claimed.split(",")[0] == "203.0.113.9"
    assert len(claimed.split(",")) == 2


def test_the_access_log_names_caller_request_and_side(envoy: EnvoyHarness) -> None:
    headers = bearer("cust_0001") | {"x-request-id": "logged", "user-agent": "test/1", "x-client-name": "shop"}
    envoy.edge.get("/api/orders/ord_1?secret=1", headers)

    def logged() -> dict[str, object] | None:
        lines = [json.loads(line) for line in envoy.access_log.read_text().splitlines()]
        return next((line for line in lines if line["request_id"] == "logged"), None)

    line = eventually_sync(logged, message="the request is logged")
    assert line is not None
    expected = {
        "listener": "edge",
        "route": "orders:new:share",
        "target": "new",
        "method": "GET",
        "path": "/api/orders/ord_1",
        "status": 200,
        "user": "cust_0001",
        "client": "shop",
        "user_agent": "test/1",
    }
    assert {name: line[name] for name in expected} == expected
    assert isinstance(line["duration_ms"], int)
