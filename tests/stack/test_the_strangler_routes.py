"""A route from its first per cent to its decommission, on real processes: shares, fallbacks, the last callers."""

from collections.abc import Iterator
from queue import Queue

import pytest

from matapalo.strangler.routing.route import Side
from tests.harness.eventually import eventually_sync
from tests.harness.ports import free_port
from tests.harness.tokens import bearer
from tests.matapalo.strangler.builders import a_route
from tests.matapalo.strangler.envoy_harness import (
    FIXED,
    SERVICES,
    EnvoyHarness,
    a_short_folder,
    running_envoy,
    settings_for,
    write_files,
)
from tests.matapalo.strangler.processes import Gateway, a_gateway, flush
from tests.matapalo.strangler.upstreams import UpstreamRequest, running_upstreams

pytestmark = pytest.mark.stack

QUIET_S = 2
USERS = [f"cust_{number:04}" for number in range(1, 201)]
STAFF = bearer("worker-1", role="service")


@pytest.fixture
def gateway(valkey_url: str) -> Iterator[Gateway]:
    url = valkey_url.removesuffix("/0") + "/5"
    flush(url)
    with a_gateway(url, GATEWAY_QUIET_PERIOD_S=str(QUIET_S)) as gateway:
        eventually_sync(gateway.stored, message="the store has routes")
        gateway.start_control()
        yield gateway


@pytest.fixture
def envoy(gateway: Gateway) -> Iterator[EnvoyHarness]:
    with running_envoy(gateway.settings) as envoy:
        yield envoy


def move(gateway: Gateway, path: str, **body: object) -> None:
    response = gateway.admin("POST", f"/strangler/{path}", {"path": "/api/orders", **body})
    assert response.status_code == 200, response.text
    gateway.until_live(response.json()["version"])


def test_raising_the_percentage_moves_nobody_back(gateway: Gateway, envoy: EnvoyHarness) -> None:
    before: set[str] = set()
    for percentage in (1, 5, 25, 50, 100):
        move(gateway, "rollout", percentage=percentage)
        inside = {user for user in USERS if envoy.internal.get("/api/orders", {"x-user-id": user}).target == "new"}
        outside = {user for user in USERS[:20] if envoy.edge.get("/api/orders", bearer(user)).target == "new"}
        assert before <= inside
        assert outside == inside & set(USERS[:20])
        before = inside
    assert before == set(USERS)


def test_after_completion_no_request_reaches_legacy(gateway: Gateway, envoy: EnvoyHarness) -> None:
    move(gateway, "rollout", percentage=100)
    assert envoy.internal.get("/api/orders").json["upstream"] == "orders", "anonymous"
    assert envoy.internal.request("POST", "/api/orders").json["upstream"] == "legacy", "writes stay until completion"
    move(gateway, "complete")
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        assert envoy.internal.request(method, "/api/orders").target == "new", "anonymous"
        headers = {"x-user-id": "cust_0001", "x-role": "service"}
        assert envoy.internal.request(method, "/api/orders/1", headers).target == "new", "a worker"
        assert envoy.edge.request(method, "/api/orders/1", STAFF).target == "new"


def test_the_legacy_branch_goes_after_its_last_caller(gateway: Gateway, envoy: EnvoyHarness) -> None:
    move(gateway, "rollout", percentage=100)
    move(gateway, "complete")
    erp = {"x-strangler-force": "legacy", "x-client-name": "erp", "x-client-version": "1.2", "user-agent": "curl/8"}
    assert envoy.internal.get("/api/orders", erp).json["upstream"] == "legacy"

    def report() -> dict[str, object]:
        body: dict[str, object] = gateway.admin("GET", "/routes/orders/decommission").json()
        return body

    def names_erp() -> bool:
        return any("erp 1.2 (1 requests" in need["because"] for need in report()["requirements"])  # type: ignore[attr-defined]

    eventually_sync(names_erp, message="the report names the caller")
    refused = gateway.admin("POST", "/routes/orders/decommission", {"why": "done"}, **{"if-match": "*"})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-ready")
    (caller,) = [caller for caller in report()["callers"] if caller["client"] == "erp"]  # type: ignore[attr-defined]
    assert (caller["version"], caller["user_agent"], caller["count"]) == ("1.2", "curl/8", 1)

    eventually_sync(lambda: report()["is_ready"], deadline_s=15 * QUIET_S, message="silence makes it ready")
    applied = gateway.admin("POST", "/routes/orders/decommission", {"why": "done"}, **{"if-match": "*"})
    assert applied.status_code == 200, applied.text
    gateway.until_live(applied.json()["version"])
    assert envoy.internal.get("/api/orders", erp).json["upstream"] == "orders"
    assert "orders.legacy" not in gateway.settings.envoy_dir.joinpath("rds.edge.json").read_text()


@pytest.mark.parametrize("failure", ["refuses", "fails", "hangs"])
def test_legacy_stands_in_for_reads_and_never_for_writes(failure: str) -> None:
    received: Queue[UpstreamRequest] = Queue()
    route = a_route(share_bp=10_000, writes=Side.NEW, timeout_ms=1_000)
    others = [name for name in (*SERVICES, *FIXED) if name != "orders"]
    with (
        a_short_folder() as folder,
        running_upstreams(others) as ports,
        running_upstreams(("orders",), received, failure=failure) as broken,
    ):
        settings = settings_for(folder, {**ports, **broken, "shipping": free_port()})
        write_files(settings, (route,))
        with running_envoy(settings) as envoy:
            reads = [envoy.internal.get("/api/orders", {"x-user-id": user}) for user in USERS[:30]]
            assert [(r.status, r.target, r.json["upstream"]) for r in reads] == [(200, "legacy", "legacy")] * 30
            assert reads[0].headers["x-strangler-reason"] == "orders:new:default"
            assert envoy.internal.request("POST", "/api/orders").status >= 500
            assert envoy.internal.get("/api/orders", {"x-strangler-force": "new"}).status >= 500
    tried = [request for request in received.queue if request.method == "GET"]
    assert len(tried) < 20, "after five failures in a row it is left alone for a moment"
