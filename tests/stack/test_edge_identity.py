"""At the edge a request is who its token says, whatever it says about itself."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from matapalo.auth.keys import KeysAt, public_key_set
from tests.harness.eventually import eventually_sync
from tests.harness.ports import free_port
from tests.harness.token_vectors import ACCEPTED, KEY_SET, REFUSED, STRANGE_KEY, Vector
from tests.harness.tokens import bearer, token
from tests.matapalo.strangler.builders import KEYS
from tests.matapalo.strangler.envoy_harness import EnvoyHarness, envoy_harness

pytestmark = pytest.mark.stack

ON_NEW, ON_LEGACY = "cust_0001", "cust_0003"
SPOOFED = {
    "x-user-id": ON_NEW,
    "x-role": "operator",
    "x-tier": "enterprise",
    "x-cohort": "beta",
    "x-strangler-force": "new",
    "x-strangler-anything": "1",
    "X-User-Id": ON_NEW,
    "x_user_id": ON_NEW,
}
IDENTITY = ("x-user-id", "x-role", "x-tier", "x-cohort")


@pytest.fixture(scope="module")
def envoy() -> Iterator[EnvoyHarness]:
    with envoy_harness() as running:
        yield running


def test_the_two_users_of_these_tests_are_on_different_sides(envoy: EnvoyHarness) -> None:
    assert envoy.edge.get("/api/orders", bearer(ON_NEW)).target == "new"
    assert envoy.edge.get("/api/orders", bearer(ON_LEGACY)).target == "legacy"


def test_a_token_s_claims_become_the_identity_headers(envoy: EnvoyHarness) -> None:
    headers = bearer(ON_NEW, tier="premium", cohort="beta")
    reached = envoy.edge.get("/api/orders", headers).json["headers"]
    assert {name: reached[name] for name in IDENTITY} == {
        "x-user-id": ON_NEW,
        "x-role": "customer",
        "x-tier": "premium",
        "x-cohort": "beta",
    }
    assert reached["authorization"] == headers["authorization"]


def test_spoofed_identity_headers_change_nothing_with_a_token(envoy: EnvoyHarness) -> None:
    response = envoy.edge.get("/api/orders", {**SPOOFED, **bearer(ON_LEGACY)})
    reached = response.json["headers"]
    assert response.target == response.json["upstream"] == "legacy"
    assert (reached["x-user-id"], reached["x-role"], reached["x-tier"]) == (ON_LEGACY, "customer", "free")
    assert not reached.keys() & {"x-cohort", "x-strangler-force", "x-strangler-anything", "x_user_id"}


@pytest.mark.parametrize("path", ["/api/products", "/web/graphql", "/mobile/graphql", "/console"])
def test_spoofed_identity_headers_reach_no_upstream(envoy: EnvoyHarness, path: str) -> None:
    reached = envoy.edge.get(path, SPOOFED).json["headers"]
    assert not {name for name in reached if name.startswith("x-strangler")} | (
        reached.keys() & {*IDENTITY, "x_user_id"}
    )


def test_spoofed_identity_headers_open_nothing(envoy: EnvoyHarness) -> None:
    assert envoy.edge.get("/api/orders", SPOOFED).status == 401
    assert envoy.edge.get("/api/payments", {**SPOOFED, **bearer(ON_NEW)}).status == 403
    assert envoy.edge.request("POST", "/api/orders", {**SPOOFED, **bearer(ON_NEW)}).status == 403


def test_a_force_is_stripped_at_the_edge_and_obeyed_inside(envoy: EnvoyHarness) -> None:
    force = {"x-strangler-force": "new"}
    assert envoy.edge.get("/api/products", force).target == "legacy"
    inside = envoy.internal.get("/api/products", force)
    assert (inside.target, inside.headers["x-strangler-reason"]) == ("new", "products:new:forced")


def test_outside_only_an_operator_may_force_a_side(envoy: EnvoyHarness) -> None:
    force = {"x-force": "new"}
    assert envoy.edge.get("/api/orders", force | bearer(ON_LEGACY)).target == "legacy"
    assert envoy.edge.get("/api/orders", force | bearer(ON_LEGACY, role="service")).target == "legacy"
    assert envoy.edge.get("/api/orders", force | bearer(ON_LEGACY, role="operator")).target == "new"


def test_a_client_cannot_steer_envoy(envoy: EnvoyHarness) -> None:
    headers = {"x-envoy-upstream-rq-timeout-ms": "1", "x-envoy-retry-on": "5xx", "x-envoy-original-path": "/admin"}
    reached = envoy.edge.get("/api/products", headers).json["headers"]
    assert not reached.keys() & headers.keys()
    assert reached["x-envoy-expected-rq-timeout-ms"] == "5000"


@pytest.mark.parametrize("canary", ["beta-2", "a" * 32])
def test_a_well_formed_canary_passes(envoy: EnvoyHarness, canary: str) -> None:
    assert envoy.edge.get("/web/graphql", {"x-canary": canary}).json["headers"]["x-canary"] == canary


@pytest.mark.parametrize("canary", ["Beta", "a" * 33, "a b", "a,b", ""])
def test_a_malformed_canary_is_dropped(envoy: EnvoyHarness, canary: str) -> None:
    assert "x-canary" not in envoy.edge.get("/web/graphql", {"x-canary": canary}).json["headers"]


@pytest.fixture(scope="module")
def strict() -> Iterator[EnvoyHarness]:
    """An Envoy with the keys of the vectors."""
    with envoy_harness(keys=public_key_set(json.dumps(KEY_SET).encode())) as running:
        yield running


@pytest.mark.parametrize("vector", ACCEPTED, ids=lambda vector: vector.name)
def test_a_good_token_is_accepted(strict: EnvoyHarness, vector: Vector) -> None:
    response = strict.edge.get("/api/orders", {"authorization": vector.header(datetime.now(UTC))})
    assert response.status == 200, response.text
    assert "x-user-id" in response.json["headers"]


@pytest.mark.parametrize("vector", REFUSED, ids=lambda vector: vector.name)
def test_a_bad_token_is_a_problem_on_every_api_path(strict: EnvoyHarness, vector: Vector) -> None:
    for path in ("/api/products", "/api/orders", "/api/nothing"):
        response = strict.edge.get(path, {"authorization": vector.header(datetime.now(UTC))})
        assert (response.status, response.headers["content-type"]) == (401, "application/problem+json"), response.text
        assert response.json.keys() == {"type", "title", "status", "detail"}
        assert (response.json["type"], response.json["status"]) == ("/problems/unauthenticated", 401)
        assert "www-authenticate" in response.headers
        assert response.target is None


@pytest.mark.parametrize("vector", REFUSED, ids=lambda vector: vector.name)
def test_on_graphql_paths_the_bff_decides_about_a_bad_token(strict: EnvoyHarness, vector: Vector) -> None:
    header = vector.header(datetime.now(UTC))
    response = strict.edge.request("POST", "/web/graphql", {"authorization": header})
    reached = response.json["headers"]
    assert reached.get("authorization", "") == header.strip()
    if vector.reason in ("unknown_key", "signature", "issuer", "time", "expired", "not_yet_valid", "subject"):
        assert not reached.keys() & set(IDENTITY)


def test_keys_may_come_from_an_identity_provider() -> None:
    with identity_provider() as url, envoy_harness(keys=KeysAt(url), jwks_url=url, jwks_file=None) as running:
        eventually_sync(
            lambda: running.edge.get("/api/orders", bearer(ON_NEW)).status == 200, message="Envoy has fetched the keys"
        )
        assert running.edge.get("/api/orders", {"authorization": f"Bearer {token(key=STRANGE_KEY)}"}).status == 401


def test_without_the_provider_s_keys_no_token_is_accepted() -> None:
    url = f"https://127.0.0.1:{free_port()}/keys"
    with envoy_harness(keys=KeysAt(url), jwks_url=url, jwks_file=None) as running:
        assert running.edge.get("/api/orders", bearer(ON_NEW)).status == 401
        assert running.edge.get("/api/products").status == 200


@contextmanager
def identity_provider() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(KEYS.jwks.encode())

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/keys"
        server.shutdown()


def test_a_token_lives_up_to_a_day(envoy: EnvoyHarness) -> None:
    headers = {"authorization": f"Bearer {token(lifetime=timedelta(hours=24))}"}
    assert envoy.edge.get("/api/orders", headers).status == 200


def test_a_token_that_was_good_is_refused_once_it_has_expired(envoy: EnvoyHarness) -> None:
    # Envoy remembers verified tokens and allows a minute of clock skew.
    headers = bearer(ON_NEW, lifetime=timedelta(seconds=-57))
    assert envoy.edge.get("/api/orders", headers).status == 200
    eventually_sync(lambda: envoy.edge.get("/api/orders", headers).status == 401, message="the token expires")


def test_a_token_in_the_query_is_no_token(envoy: EnvoyHarness) -> None:
    assert envoy.edge.get(f"/api/orders?access_token={token()}").status == 401


@pytest.mark.parametrize("path", ["/api/products", "/api/products/prod_0001", "/api/recommendations?limit=3"])
def test_without_a_token_products_and_recommendations_are_read(envoy: EnvoyHarness, path: str) -> None:
    assert envoy.edge.get(path).status == envoy.edge.request("HEAD", path).status == 200


@pytest.mark.parametrize("name", ["customers", "orders", "payments", "inventory", "shipping"])
def test_without_a_token_everything_else_is_401(envoy: EnvoyHarness, name: str) -> None:
    response = envoy.edge.get(f"/api/{name}")
    assert (response.status, response.json["type"]) == (401, "/problems/unauthenticated")
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("name", ["payments", "inventory", "shipping"])
def test_customers_are_refused_where_only_staff_goes(envoy: EnvoyHarness, name: str) -> None:
    response = envoy.edge.get(f"/api/{name}", bearer())
    assert (response.status, response.json["type"], response.json["status"]) == (403, "/problems/forbidden", 403)
    assert "operator" in response.json["detail"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("name", ["customers", "orders", "products", "recommendations", "payments"])
def test_customers_write_nothing_through_the_edge(envoy: EnvoyHarness, name: str, method: str) -> None:
    assert envoy.edge.request(method, f"/api/{name}", bearer(), body="{}").status == 403
