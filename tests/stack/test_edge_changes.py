"""Changes while traffic flows: from the store over the agent to the next request, with every process real."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from matapalo.strangler.routing.decide import takes_new_side
from matapalo.strangler.routing.route import Audience, Route, Side
from tests.harness.eventually import eventually_sync
from tests.harness.ports import free_port
from tests.matapalo.strangler.builders import a_route
from tests.matapalo.strangler.envoy_harness import (
    FIXED,
    SERVICES,
    Client,
    EnvoyHarness,
    a_short_folder,
    routes_of_the_repository,
    running_envoy,
    settings_for,
    write_files,
)
from tests.matapalo.strangler.processes import OPERATOR, Gateway, a_gateway, flush
from tests.matapalo.strangler.upstreams import running_upstreams

pytestmark = pytest.mark.stack

USERS = [f"cust_{number:04}" for number in range(1, 81)]


def orders(share_bp: int, **changes: Any) -> Route:
    return a_route(share_bp=share_bp, writes=Side.LEGACY, audience=Audience.OWNER, **changes)


@pytest.fixture(scope="module")
def gateway(valkey_url: str) -> Iterator[Gateway]:
    url = valkey_url.removesuffix("/0") + "/3"
    flush(url)
    with a_gateway(url) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def envoy(gateway: Gateway) -> Iterator[EnvoyHarness]:
    with running_envoy(gateway.settings) as envoy:
        eventually_sync(lambda: gateway.agent()["is_live"], message="the agent has read back that all is live")
        yield envoy


def on_new(envoy: EnvoyHarness) -> set[str]:
    return {user for user in USERS if envoy.internal.get("/api/orders", {"x-user-id": user}).target == "new"}


def test_the_first_agent_gives_the_store_the_repository_s_routes(gateway: Gateway, envoy: EnvoyHarness) -> None:
    document = eventually_sync(gateway.stored, message="the store has routes")
    assert document is not None
    assert (document.version, document.route("orders").share_bp) == (1, 2_500)


def test_a_change_is_live_within_a_second_and_read_back(gateway: Gateway, envoy: EnvoyHarness) -> None:
    gateway.change_and_wait(orders(0), deadline_s=1.0)
    assert on_new(envoy) == set()
    report = gateway.agent()
    assert report["live"] == report["written"] == dict(envoy.live_versions())


def test_raising_the_share_never_moves_anyone_back(gateway: Gateway, envoy: EnvoyHarness) -> None:
    before: set[str] = set()
    for share_bp in (100, 500, 2_500, 5_000, 10_000):
        gateway.change_and_wait(orders(share_bp))
        now = on_new(envoy)
        assert now == {user for user in USERS if takes_new_side(user, seed=2, share_bp=share_bp)}
        assert before <= now
        before = now
    assert envoy.internal.get("/api/orders").target == "new", "at the whole also without a subject"


def test_a_bad_document_changes_nothing_and_is_reported(gateway: Gateway, envoy: EnvoyHarness) -> None:
    gateway.change_and_wait(orders(5_000))
    before = on_new(envoy)
    version = gateway.change(orders(0, new="odrers"))
    rejected = eventually_sync(lambda: gateway.agent()["rejected"], message="the agent reports it")
    assert rejected["version"] == version
    assert "'odrers', which is no upstream" in rejected["problems"][0]
    assert on_new(envoy) == before
    gateway.change_and_wait(orders(5_000))
    assert gateway.agent()["rejected"] is None


def test_an_emptied_store_gets_back_what_was_live(gateway: Gateway, envoy: EnvoyHarness) -> None:
    gateway.change_and_wait(orders(2_500))
    document = gateway.stored()
    gateway.flush()
    assert eventually_sync(gateway.stored, message="the store is filled again") == document
    assert gateway.agent()["version"] == document.version  # type: ignore[union-attr]


def test_no_request_is_lost_while_routes_come_and_go(gateway: Gateway, envoy: EnvoyHarness) -> None:
    statuses: list[int] = []
    stop = threading.Event()

    def send_requests() -> None:
        client = Client(gateway.settings.internal_port)
        while not stop.is_set():
            statuses.append(client.get("/api/orders", {"x-user-id": "cust_0001"}).status)
        client.close()

    sending = threading.Thread(target=send_requests)
    sending.start()
    try:
        for step in range(8):
            more = [a_route("customers", seed=3)] if step % 2 else []
            gateway.change_and_wait(orders(10_000 if step % 2 else 0), *more)
    finally:
        stop.set()
        sending.join(timeout=10)
    assert len(statuses) > 50
    assert set(statuses) == {200}


def test_operators_read_the_table_from_the_control_plane(gateway: Gateway, envoy: EnvoyHarness) -> None:
    gateway.change_and_wait(orders(2_500))
    control = Client(gateway.control_port)
    process = gateway.start_control()

    table = control.get("/admin/routes", OPERATOR).json
    stored = gateway.stored()
    assert stored is not None
    assert (table["version"], [route["share_bp"] for route in table["routes"]]) == (stored.version, [2_500])
    assert control.get("/readyz").json == {"ready": True, "missing": {}}
    assert "process_cpu_seconds_total" in control.get("/metrics").text
    # The edge knows the way to the console, and to nothing else of the control plane.
    assert envoy.edge.get("/console").headers["location"].startswith("/console/")
    assert envoy.edge.get("/admin/routes", OPERATOR).status == 404
    control.close()
    process.close()
    response = envoy.edge.get("/console")
    assert (response.status, response.headers["content-type"]) == (503, "application/problem+json")


def test_envoy_alone_starts_again_with_the_last_routes() -> None:
    with a_short_folder() as folder, running_upstreams((*SERVICES, *FIXED)) as ports:
        settings = settings_for(folder, {**ports, "shipping": free_port()})
        write_files(settings, routes_of_the_repository())
        with running_envoy(settings) as first:
            first.apply((orders(5_000),))
            before = on_new(first)
        with running_envoy(settings) as again:
            assert on_new(again) == before == {user for user in USERS if takes_new_side(user, seed=2, share_bp=5_000)}
