"""What only a real server shows: the WebSocket handshake, backpressure of a body, and an orderly end."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from matapalo.graphql.websocket import ConnectionLimits
from tests.harness.bff_server import BffServer, serve_bff
from tests.harness.eventually import eventually
from tests.matapalo.graphql.harness import ENDED, create

FOREVER = "subscription { forever }"


@pytest.fixture
def served() -> Iterator[BffServer]:
    with serve_bff(create(max_body_bytes=2_000).endpoint) as running:
        yield running


def dial(served: BffServer, subprotocol: str = "graphql-transport-ws", origin: str | None = None) -> connect:
    return connect(
        f"ws://{served.address}/graphql",
        subprotocols=[Subprotocol(subprotocol)],
        additional_headers={} if origin is None else {"origin": origin},
        proxy=None,
    )


async def said(socket: ClientConnection) -> Any:
    return json.loads(await asyncio.wait_for(socket.recv(), 5))


async def close_code(socket: ClientConnection) -> int:
    """The code of the server's close, whatever comes before it."""
    async with asyncio.timeout(5):
        with suppress(ConnectionClosed):
            while True:
                await socket.recv()
    return socket.close_code or 0


async def begin(socket: ClientConnection, query: str) -> None:
    await socket.send(json.dumps({"type": "connection_init"}))
    assert await said(socket) == {"type": "connection_ack"}
    await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}))


async def test_a_websocket_subscribes(served: BffServer) -> None:
    async with dial(served) as socket:
        assert socket.subprotocol == "graphql-transport-ws"
        await begin(socket, "subscription { count(to: 1) }")
        assert await said(socket) == {"type": "next", "id": "1", "payload": {"data": {"count": 1}}}
        assert await said(socket) == {"type": "complete", "id": "1"}


async def test_close_codes_reach_the_client(served: BffServer) -> None:
    async with dial(served, "graphql-ws") as other:
        assert await close_code(other) == 4406
    async with dial(served) as broken:
        await broken.send("no json")
        assert await close_code(broken) == 4400


async def test_a_silent_client_is_told_why_it_is_closed() -> None:
    harness = create(connection_limits=ConnectionLimits(init_timeout_s=0.05))
    with serve_bff(harness.endpoint) as served:
        async with dial(served) as silent:
            assert await close_code(silent) == 4408


async def test_a_foreign_page_is_refused_the_handshake(served: BffServer) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with dial(served, origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403


async def test_a_client_that_vanishes_ends_its_subscription(served: BffServer) -> None:
    ENDED.clear()
    async with dial(served) as socket:
        await begin(socket, FOREVER)
        await said(socket)
        socket.transport.abort()
    await eventually(lambda: ENDED == ["forever"], deadline_s=5, message="the generator is closed")


async def test_a_server_that_stops_ends_websockets_and_event_streams(served: BffServer) -> None:
    async with (
        dial(served) as socket,
        httpx.AsyncClient(trust_env=False) as client,
        client.stream(
            "GET", served.url, params={"query": FOREVER}, headers={"accept": "text/event-stream"}
        ) as response,
    ):
        await begin(socket, FOREVER)
        await said(socket)
        lines = response.aiter_lines()
        assert "event: next" in [await anext(lines) for _ in range(3)]
        served.stop()
        assert await close_code(socket) == 1012
        rest = [line async for line in lines]
        assert "event: complete" not in rest


async def test_a_body_over_the_limit_is_answered(served: BffServer) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.post(served.url, content=b" " * 3_000, headers={"content-type": "application/json"})
        assert response.status_code == 413
        assert response.json()["errors"][0]["extensions"]["code"] == "REQUEST_TOO_LARGE"
        after = await client.post(served.url, json={"query": "{ hello }"})
        assert after.json() == {"data": {"hello": "hello you"}}


async def test_head_has_no_body(served: BffServer) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.head(served.url, params={"query": "{ hello }"})
        assert (response.status_code, response.content) == (200, b"")
