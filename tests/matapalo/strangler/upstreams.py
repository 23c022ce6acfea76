"""Small upstreams for a real Envoy: each echoes its name and the request.

Any request      {"upstream", "method", "path" (raw, with its query), "headers"}, also put into ``received``
…/events         one server-sent event, then silence until the client goes away
a WebSocket      an echo, its first message the name of the upstream
"""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from queue import Queue
from typing import Any, NamedTuple

import uvicorn

from tests.harness.eventually import eventually_sync


class UpstreamRequest(NamedTuple):
    """A request that reached an upstream."""

    upstream: str
    method: str
    path: str
    headers: dict[str, str]


def echo(name: str, received: Queue[UpstreamRequest] | None = None, failure: str | None = None) -> Any:
    """An ASGI app named ``name``; with a ``failure`` it refuses (closes the connection), fails or hangs."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await _echo_messages(name, receive, send)
        elif scope["path"].endswith("/events"):
            await _one_event(receive, send)
        else:
            if failure is not None:
                await _fail(failure, name, scope, receive, send, received)
                return
            await _echo(name, scope, send, received)

    return app


async def _fail(
    failure: str, name: str, scope: Any, receive: Any, send: Any, received: Queue[UpstreamRequest] | None
) -> None:
    if received is not None:
        received.put(UpstreamRequest(name, scope["method"], scope["path"], {}))
    if failure == "hangs":
        while (await receive())["type"] != "http.disconnect":
            pass
    if failure != "fails":
        return  # without a response, which closes the connection
    await send({"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def _echo(name: str, scope: Any, send: Any, received: Queue[UpstreamRequest] | None) -> None:
    path = scope["raw_path"].decode() + ("?" + scope["query_string"].decode() if scope["query_string"] else "")
    headers = {key.decode(): value.decode() for key, value in scope["headers"]}
    if received is not None:
        received.put(UpstreamRequest(name, scope["method"], path, headers))
    body = json.dumps({"upstream": name, "method": scope["method"], "path": path, "headers": headers}).encode()
    # An upstream's own claim of a side and a reason is replaced by Envoy's.
    lies = [(b"x-strangler-target", b"nonsense"), (b"x-strangler-reason", b"nonsense")]
    plain = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": plain + lies})
    await send({"type": "http.response.body", "body": body})


async def _one_event(receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass


async def _echo_messages(name: str, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": name})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


@contextmanager
def running_upstreams(
    names: Sequence[str], received: Queue[UpstreamRequest] | None = None, *, failure: str | None = None
) -> Iterator[dict[str, int]]:
    """An echo for each name, all in one thread; the ports they listen on."""
    servers, sockets = [], []
    for name in names:
        config = uvicorn.Config(
            echo(name, received, failure), log_level="critical", lifespan="off", ws="websockets-sansio"
        )
        server = uvicorn.Server(config)
        # Named TCP, or asyncio would not switch Nagle's algorithm off, and every response would take 40 ms.
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.bind(("127.0.0.1", 0))
        servers.append(server)
        sockets.append(listening)

    async def serve() -> None:
        await asyncio.gather(*(s.serve(sockets=[at]) for s, at in zip(servers, sockets, strict=True)))

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    eventually_sync(lambda: all(server.started for server in servers), message="the upstreams start")
    try:
        yield {name: at.getsockname()[1] for name, at in zip(names, sockets, strict=True)}
    finally:
        for server in servers:
            server.should_exit = server.force_exit = True
        thread.join(timeout=10)
