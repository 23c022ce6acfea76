"""A client that calls an ASGI application directly: no socket, no server, every message visible."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.harness.eventually import eventually

App = Callable[..., Awaitable[Any]]
Message = MutableMapping[str, Any]


@dataclass
class Response:
    """An HTTP response. Of a header sent twice, the last value."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def code(self) -> str:
        """The code of the first error."""
        code: str = self.json()["errors"][0]["extensions"]["code"]
        return code


def http_scope(
    method: str, path: str = "/graphql", query_string: str = "", headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query_string.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()],
        "client": ("192.0.2.7", 40000),
    }


async def request(
    app: App,
    method: str,
    *,
    path: str = "/graphql",
    query_string: str = "",
    headers: Mapping[str, str] | None = None,
    body: bytes | Iterable[bytes] = b"",
) -> Response:
    """One request and its whole response. ``body`` may come in pieces."""
    pieces = [body] if isinstance(body, bytes) else list(body)
    left: list[Message] = [
        {"type": "http.request", "body": piece, "more_body": index < len(pieces) - 1}
        for index, piece in enumerate(pieces)
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        if left:
            return left.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    await app(http_scope(method, path, query_string, headers), receive, send)
    start, *rest = sent
    return Response(
        start["status"],
        {name.decode(): value.decode("latin-1") for name, value in start["headers"]},
        b"".join(message.get("body", b"") for message in rest),
    )


async def post(app: App, payload: object, **headers: str) -> Response:
    """POST ``payload`` as JSON. Header names have underscores for hyphens."""
    names = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return await request(app, "POST", headers=names, body=json.dumps(payload).encode())


@dataclass
class Conversation:
    """An open stream or WebSocket: what was sent to us, and what we say."""

    to_app: "asyncio.Queue[Message]" = field(default_factory=asyncio.Queue)
    sent: list[Message] = field(default_factory=list)
    task: "asyncio.Task[Any] | None" = None

    async def receive(self) -> Message:
        return await self.to_app.get()

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    def say(self, message: object) -> None:
        """Send a WebSocket message: text as it is, everything else as JSON."""
        text = message if isinstance(message, str) else json.dumps(message)
        self.to_app.put_nowait({"type": "websocket.receive", "text": text})

    def leave(self) -> None:
        """The client goes away."""
        self.to_app.put_nowait({"type": "http.disconnect"})
        self.to_app.put_nowait({"type": "websocket.disconnect", "code": 1001})

    @property
    def said(self) -> list[Any]:
        """The WebSocket messages of the application, as JSON."""
        return [json.loads(message["text"]) for message in self.sent if message["type"] == "websocket.send"]

    @property
    def close_code(self) -> int | None:
        """The code of the application's close; None while it is open."""
        return next((message["code"] for message in self.sent if message["type"] == "websocket.close"), None)

    @property
    def body(self) -> bytes:
        """What has come of an HTTP body."""
        return b"".join(message.get("body", b"") for message in self.sent if message["type"] == "http.response.body")

    @property
    def has_ended(self) -> bool:
        """Whether the application has returned."""
        return self.task is not None and self.task.done()

    async def until(self, check: Callable[[], object], what: str) -> None:
        await eventually(check, deadline_s=5.0, message=what)


@asynccontextmanager
async def conversation(app: App, scope: Mapping[str, Any]) -> AsyncIterator[Conversation]:
    """Keep an ASGI connection open while the block runs; the client leaves at its end."""
    talk = Conversation()
    talk.task = asyncio.create_task(_call(app, scope, talk))
    try:
        yield talk
    finally:
        talk.leave()
        await asyncio.wait_for(talk.task, 5.0)


async def _call(app: App, scope: Mapping[str, Any], talk: Conversation) -> None:
    await app(dict(scope), talk.receive, talk.send)


def websocket_scope(
    headers: Mapping[str, str] | None = None, subprotocols: Iterable[str] = ("graphql-transport-ws",)
) -> dict[str, Any]:
    scope = http_scope("GET", headers=headers)
    return scope | {"type": "websocket", "subprotocols": list(subprotocols)}
