"""The endpoint as an ASGI application: tells HTTP from WebSocket, preflights and pages from operations.

It serves `/graphql` (the path the caller routed here) and `/graphql/graphiql/<name>`, the files of the page.
`end_streams` is for the server's shutdown, before it waits for open connections.
"""

import asyncio

from starlette.types import Receive, Scope, Send

from matapalo.graphql.cors import Cors
from matapalo.graphql.errors import MethodNotAllowed
from matapalo.graphql.graphiql_page import GraphiQLPage, HttpResponse
from matapalo.graphql.http import HttpHandler
from matapalo.graphql.negotiation import CONTENT_TYPES, JSON, accepted_types
from matapalo.graphql.pipeline import Pipeline
from matapalo.graphql.request import GraphQLRequest
from matapalo.graphql.response import encode, http_headers, response_to_error, send_response
from matapalo.graphql.sse import EventStreams
from matapalo.graphql.websocket import ConnectionLimits, WebSocketHandler
from matapalo.telemetry.logs import bind

_METHODS = "GET, HEAD, POST, OPTIONS"


class Endpoint:
    """GraphQL at one path. ``graphiql`` is None where no page is served."""

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        cors: Cors,
        graphiql: GraphiQLPage | None = None,
        max_body_bytes: int = 100_000,
        connection_limits: ConnectionLimits | None = None,
        keep_alive_s: float = 12.0,
    ) -> None:
        self._clock = pipeline.clock
        self._cors = cors
        self._graphiql = graphiql
        self._stopping = asyncio.Event()
        limits = connection_limits or ConnectionLimits(message_bytes=max_body_bytes)
        streams = EventStreams(pipeline, cors, self._stopping, keep_alive_s=keep_alive_s)
        self._http = HttpHandler(pipeline, cors, streams, max_body_bytes=max_body_bytes)
        self._websocket = WebSocketHandler(pipeline, cors, self._stopping, limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request or one WebSocket."""
        request = GraphQLRequest.from_scope(scope, self._clock.monotonic_s())
        bind(request.request_id, request.traceparent)
        if scope["type"] == "websocket":
            await self._websocket.handle(request, scope, receive, send)
        elif "/graphiql/" in request.path:
            await _send_page(request, self._file(request), send)
        elif request.method in ("POST", "GET", "HEAD"):
            accepted = accepted_types(request.header(b"accept"))
            if accepted.page and self._graphiql is not None and request.method != "POST":
                await _send_page(request, self._graphiql.render(request.path), send)
            else:
                await self._http.handle(request, accepted, receive, send)
        elif request.method == "OPTIONS":
            await self._preflight(request, send)
        else:
            await self._refuse(request, send)

    def end_streams(self) -> None:
        """Let every stream and WebSocket end: the server is about to stop."""
        self._stopping.set()

    def _file(self, request: GraphQLRequest) -> HttpResponse:
        if self._graphiql is None or request.method not in ("GET", "HEAD"):
            return HttpResponse(404, [(b"content-type", b"text/plain; charset=utf-8")], b"Nothing is served here.\n")
        return self._graphiql.file(request.path.rpartition("/graphiql/")[2], request.header(b"if-none-match"))

    async def _refuse(self, request: GraphQLRequest, send: Send) -> None:
        error = MethodNotAllowed(f"{request.method[:20]} is not served here: use GET or POST", allow=_METHODS)
        response = response_to_error(error)
        headers = http_headers(request, self._cors, CONTENT_TYPES[JSON], response.headers)
        await send_response(send, response.status, headers, encode(response.payload))

    async def _preflight(self, request: GraphQLRequest, send: Send) -> None:
        headers = [
            (b"allow", _METHODS.encode()),
            (b"vary", b"Origin"),
            (b"x-request-id", request.request_id.encode()),
            *self._cors.preflight(request.headers.get(b"origin")),
        ]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


async def _send_page(request: GraphQLRequest, response: HttpResponse, send: Send) -> None:
    headers = [*response.headers, (b"x-request-id", request.request_id.encode())]
    await send_response(send, response.status, headers, response.body)
