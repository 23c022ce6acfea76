"""The endpoint as an ASGI application: tells HTTP from WebSocket, preflights and pages from operations.

It serves `/graphql` (the path the caller routed here) and `/graphql/graphiql/<name>`, the files of the page.
`end_streams` is for the server's shutdown, before it waits for open connections.
"""

import asyncio
import secrets
from typing import Literal

from matapalo.graphql.arrival import Arrival
from matapalo.graphql.cors import Cors
from matapalo.graphql.errors import MethodNotAllowed
from matapalo.graphql.exchange import Exchange, Receive, Scope, Send
from matapalo.graphql.http import Answers
from matapalo.graphql.negotiation import accepted
from matapalo.graphql.page import Answer, Assets, render_page
from matapalo.graphql.pipeline import Gates
from matapalo.graphql.reply import encode, reply_to_failure
from matapalo.graphql.sse import EventStreams
from matapalo.graphql.websocket import ConnectionLimits, Connections
from matapalo.telemetry.logs import bind

_ALLOWED = b"GET, HEAD, POST, OPTIONS"


class Explorer:
    """The GraphiQL page of one client and its files."""

    def __init__(self, client: Literal["web", "mobile"], default_query: str, assets: Assets) -> None:
        self._client = client
        self._default_query = default_query
        self._assets = assets

    def page(self, path: str) -> Answer:
        """The page, as asked for at ``path``."""
        return render_page(
            endpoint=path,
            client=self._client,
            default_query=self._default_query,
            nonce=secrets.token_urlsafe(16),
        )

    def file(self, name: str, if_none_match: str | None) -> Answer:
        """One of the files that the page loads."""
        return self._assets.answer(name, if_none_match)


class Endpoint:
    """GraphQL at one path. ``explorer`` is None where no page is served."""

    def __init__(
        self,
        gates: Gates,
        *,
        cors: Cors,
        explorer: Explorer | None = None,
        max_body_bytes: int = 100_000,
        connection_limits: ConnectionLimits | None = None,
        keep_alive_s: float = 12.0,
    ) -> None:
        self._clock = gates.clock
        self._cors = cors
        self._explorer = explorer
        self._stopping = asyncio.Event()
        limits = connection_limits or ConnectionLimits(message_bytes=max_body_bytes)
        streams = EventStreams(gates, self._stopping, keep_alive_s=keep_alive_s)
        self._answers = Answers(gates, streams, max_body_bytes=max_body_bytes)
        self._connections = Connections(gates, cors, self._stopping, limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request or one WebSocket."""
        arrival = Arrival.of(scope, self._clock.monotonic_s())
        bind(arrival.request_id, arrival.traceparent)
        if scope["type"] == "websocket":
            await self._connections.serve(scope, receive, send, arrival)
            return
        exchange = Exchange(scope, receive, send, arrival, self._cors)
        method = exchange.method
        if "/graphiql/" in scope["path"]:
            await self._file(exchange)
        elif method == "POST":
            await self._answers.answer(exchange, accepted(arrival.text(b"accept")))
        elif method in ("GET", "HEAD"):
            await self._get(exchange)
        elif method == "OPTIONS":
            await self._options(exchange)
        else:
            await self._refuse(exchange)

    def end_streams(self) -> None:
        """Let every stream and WebSocket end: the server is about to stop."""
        self._stopping.set()

    async def _get(self, exchange: Exchange) -> None:
        wants = accepted(exchange.arrival.text(b"accept"))
        if self._explorer is not None and wants.page:
            await _send(exchange, self._explorer.page(exchange.scope["path"]))
        else:
            await self._answers.answer(exchange, wants)

    async def _file(self, exchange: Exchange) -> None:
        if self._explorer is None or exchange.method not in ("GET", "HEAD"):
            await exchange.answer(404, b"text/plain; charset=utf-8", b"Nothing is served here.\n")
            return
        name = exchange.scope["path"].rpartition("/graphiql/")[2]
        await _send(exchange, self._explorer.file(name, exchange.arrival.text(b"if-none-match")))

    async def _refuse(self, exchange: Exchange) -> None:
        reply = reply_to_failure(MethodNotAllowed(f"{exchange.method[:20]} is not served here: use GET or POST"))
        headers = {"allow": _ALLOWED.decode()}
        await exchange.answer(reply.status, b"application/json; charset=utf-8", encode(reply.payload), headers)

    async def _options(self, exchange: Exchange) -> None:
        arrival = exchange.arrival
        headers = [(b"allow", _ALLOWED), (b"vary", b"Origin"), (b"x-request-id", arrival.request_id.encode())]
        headers += self._cors.preflight(arrival.headers.get(b"origin"))
        await exchange.send({"type": "http.response.start", "status": 204, "headers": headers})
        await exchange.send({"type": "http.response.body", "body": b""})


async def _send(exchange: Exchange, answer: Answer) -> None:
    headers = [
        *answer.headers,
        (b"content-length", b"%d" % len(answer.body)),
        (b"x-request-id", exchange.arrival.request_id.encode()),
    ]
    await exchange.send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await exchange.send({"type": "http.response.body", "body": answer.body})
