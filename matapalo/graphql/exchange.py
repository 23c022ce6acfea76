"""One HTTP exchange as ASGI messages: read a bounded body, send an answer with the headers that all of them carry.

Source: ASGI HTTP 2.3. Raises `RequestTooLarge` before a body that is too long has been read, `ClientGone` when the
client leaves while sending.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from matapalo.errors import RequestTooLarge
from matapalo.graphql.arrival import Arrival
from matapalo.graphql.cors import Cors

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class ClientGone(Exception):
    """The client left before its request was complete: there is nobody to answer."""


@dataclass(slots=True)
class Exchange:
    """A request and the way back to its client."""

    scope: Scope
    receive: Receive
    send: Send
    arrival: Arrival
    cors: Cors

    @property
    def method(self) -> str:
        """The HTTP method, upper-case."""
        method: str = self.scope["method"]
        return method

    async def body(self, max_bytes: int) -> bytes:
        """The whole body, of at most ``max_bytes``."""
        declared = self.arrival.headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared[:20]) > max_bytes:
            raise _too_large(max_bytes)
        message = await self.receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            return _bounded(message.get("body", b""), max_bytes)
        parts = bytearray()
        while message["type"] == "http.request":
            parts += message.get("body", b"")
            _bounded(parts, max_bytes)
            if not message.get("more_body"):
                return bytes(parts)
            message = await self.receive()
        raise ClientGone

    async def answer(self, status: int, content_type: bytes, body: bytes, headers: Mapping[str, str] = {}) -> None:
        """Send a whole answer."""
        sent = self._headers(content_type, headers)
        sent.append((b"content-length", b"%d" % len(body)))
        await self.send({"type": "http.response.start", "status": status, "headers": sent})
        await self.send({"type": "http.response.body", "body": body})

    async def begin(self, content_type: bytes, headers: Mapping[str, str]) -> None:
        """Begin an answer that goes on with `part` and ends with `end`."""
        sent = self._headers(content_type, headers)
        await self.send({"type": "http.response.start", "status": 200, "headers": sent})

    async def part(self, body: bytes) -> None:
        """Send the next piece of an answer."""
        await self.send({"type": "http.response.body", "body": body, "more_body": True})

    async def end(self) -> None:
        """End an answer."""
        await self.send({"type": "http.response.body", "body": b""})

    async def gone(self) -> None:
        """Wait until the client has left."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    def _headers(self, content_type: bytes, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
        sent = [
            (b"content-type", content_type),
            (b"cache-control", b"no-store"),
            (b"vary", b"Accept, Origin"),
            (b"x-request-id", self.arrival.request_id.encode()),
            *self.cors.headers(self.arrival.headers.get(b"origin")),
        ]
        sent.extend((name.lower().encode(), value.encode("latin-1")) for name, value in headers.items())
        return sent


def _bounded(body: bytes | bytearray, max_bytes: int) -> bytes:
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    return bytes(body)


def _too_large(max_bytes: int) -> RequestTooLarge:
    return RequestTooLarge(f"The body is longer than {max_bytes} bytes, the most read here")
