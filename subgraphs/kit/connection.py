"""Dropping a connection without a response: what a caller sees when a service dies in the middle of a request.

ASGI has no message for it, so the HTTP protocol class offers the transport's `abort` as an extension of the scope.
Under a server that does not (a test transport), `ConnectionDropped` leaves the app instead.
"""

from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

EXTENSION = "matapalo.abort"


class AbortableHttp(HttpToolsProtocol):
    """uvicorn's httptools protocol, which also says how to abort the connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]  # a TypedDict that we extend
        scope["extensions"] = {EXTENSION: {"abort": self.transport.abort}}


class ConnectionDropped(ConnectionResetError):
    """The connection was to break, and the server offers no quieter way."""


class Dropped(Response):
    """A response that never comes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        extension = scope.get("extensions", {}).get(EXTENSION)
        if extension is None:
            raise ConnectionDropped("The connection was dropped without a response.")
        extension["abort"]()
        # The server must know that the client is gone before we return, or it would send a 500 for us.
        while (await receive())["type"] != "http.disconnect":
            continue
