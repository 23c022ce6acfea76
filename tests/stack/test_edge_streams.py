"""Subscriptions pass the edge as they happen: server-sent events and WebSockets."""

import http.client
from collections.abc import Iterator

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.harness.tokens import bearer
from tests.matapalo.strangler.envoy_harness import EnvoyHarness, envoy_harness

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def envoy() -> Iterator[EnvoyHarness]:
    with envoy_harness() as running:
        yield running


@pytest.mark.parametrize("client", ["web", "mobile"])
def test_an_event_arrives_while_the_stream_is_open(envoy: EnvoyHarness, client: str) -> None:
    # The upstream sends one event and then nothing more: reading it at all means that no hop waits for the end.
    connection = http.client.HTTPConnection("127.0.0.1", envoy.settings.edge_port, timeout=5)
    connection.request("GET", f"/{client}/graphql/events", headers={"accept": "text/event-stream"})
    response = connection.getresponse()
    assert response.getheader("content-type") == "text/event-stream"
    assert response.readline() == b"data: 1\n"
    connection.close()


@pytest.mark.parametrize("client", ["web", "mobile"])
def test_a_websocket_talks_both_ways(envoy: EnvoyHarness, client: str) -> None:
    address = f"ws://127.0.0.1:{envoy.settings.edge_port}/{client}/graphql"
    with connect(address, additional_headers=bearer(), proxy=None, open_timeout=5) as socket:
        assert socket.recv(timeout=5) == f"bff-{client}"
        for message in ("one", "two"):
            socket.send(message)
            assert socket.recv(timeout=5) == message


@pytest.mark.parametrize("path", ["/api/products", "/console"])
def test_no_other_path_is_upgraded(envoy: EnvoyHarness, path: str) -> None:
    with pytest.raises(InvalidStatus) as raised:
        connect(f"ws://127.0.0.1:{envoy.settings.edge_port}{path}", proxy=None, open_timeout=5)
    assert raised.value.response.status_code == 403
