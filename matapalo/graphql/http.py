"""POST and GET: one request, one response; those that want a stream go on to `matapalo.graphql.sse`.

A plain request runs on when its client disconnects: its deadline is near, and a mutation must not be cut in the middle.
Source: GraphQL over HTTP §5, §6; ASGI HTTP 2.3.
"""

from starlette.types import Receive, Send

from matapalo.errors import RequestTooLarge
from matapalo.graphql.cors import Cors
from matapalo.graphql.errors import MalformedRequest, MethodNotAllowed, NotAcceptable
from matapalo.graphql.negotiation import CONTENT_TYPES, JSON, Accepted, check_body
from matapalo.graphql.pipeline import Pipeline, RequestContext
from matapalo.graphql.request import GraphQLRequest
from matapalo.graphql.response import (
    GraphQLResponse,
    encode,
    http_headers,
    response_to_error,
    response_to_result,
    send_response,
)
from matapalo.graphql.sse import EventStreams
from matapalo.operations.document import Operation


class Disconnected(Exception):
    """The client left before its request was complete: no response can reach it."""


class HttpHandler:
    """Runs what comes by POST and GET."""

    def __init__(self, pipeline: Pipeline, cors: Cors, streams: EventStreams, *, max_body_bytes: int) -> None:
        self._pipeline = pipeline
        self._cors = cors
        self._streams = streams
        self._max_body_bytes = max_body_bytes

    async def handle(self, request: GraphQLRequest, accepted: Accepted, receive: Receive, send: Send) -> None:
        """Run the request and send its response, whatever happens to it."""
        pipeline = self._pipeline
        try:
            if accepted.single is None and not accepted.stream:
                raise NotAcceptable(
                    "Accept names nothing we send: application/graphql-response+json, application/json "
                    "or text/event-stream"
                )
            pipeline.guard(request.client_ip)
            viewer = await pipeline.authenticate(request.header(b"authorization"))
            await self._read(request, receive)
            request.operation = operation = pipeline.find(request)
            is_stream = _is_stream(request, operation, accepted)
            context = pipeline.prepare(request, operation, viewer)
        except Disconnected:
            return
        except Exception as error:  # a bug, too, becomes a response
            response = response_to_error(error)
            if accepted.single is None and accepted.stream and not response.is_malformed:
                await self._streams.refuse(request, response, send)
            else:
                await self._send(request, accepted, response, encode(response.payload), send)
            return
        if is_stream:
            await self._streams.run(request, operation, context, receive, send)
        else:
            response, body = await self._execute(request, operation, context)
            await self._send(request, accepted, response, body, send)

    async def _read(self, request: GraphQLRequest, receive: Receive) -> None:
        if request.method == "POST":
            check_body(request.header(b"content-type"), request.header(b"content-encoding"))
            request.read_body(await _body(request, receive, self._max_body_bytes))
        elif len(request.query_string) > self._max_body_bytes:
            raise RequestTooLarge(f"The query string is longer than {self._max_body_bytes} bytes")
        else:
            request.read_query_string()

    async def _execute(
        self, request: GraphQLRequest, operation: Operation, context: RequestContext
    ) -> tuple[GraphQLResponse, bytes]:
        try:
            response = response_to_result(await self._pipeline.execute(request, operation, context))
            body = encode(response.payload)
        except Exception as error:  # a bug in ours, or a scalar whose value is not JSON
            response = response_to_error(error)
            body = encode(response.payload)
        finally:
            await context.aclose()
        if context.response_headers:
            response = response._replace(headers={**response.headers, **context.response_headers})
        return response, body

    async def _send(
        self, request: GraphQLRequest, accepted: Accepted, response: GraphQLResponse, body: bytes, send: Send
    ) -> None:
        media_type = accepted.single or JSON
        status = response.status_in(media_type, denial_statuses=self._pipeline.denial_statuses)
        headers = http_headers(request, self._cors, CONTENT_TYPES[media_type], response.headers)
        await send_response(send, status, headers, body)
        self._pipeline.end(request, "http", response.outcome, status)


async def _body(request: GraphQLRequest, receive: Receive, max_bytes: int) -> bytes:
    """The whole body; raises `RequestTooLarge` before one that is too long has been read."""
    declared = request.headers.get(b"content-length", b"0")
    size = int(declared[:20]) if declared.isdigit() else 0
    body = bytearray()
    while size <= max_bytes:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        body += message.get("body", b"")
        size = len(body)
        if not message.get("more_body") and size <= max_bytes:
            return bytes(body)
    raise RequestTooLarge(f"The body is longer than {max_bytes} bytes, the most read here")


def _is_stream(request: GraphQLRequest, operation: Operation, accepted: Accepted) -> bool:
    """Whether the response is a stream; raises when this request cannot carry the operation."""
    if operation.kind == "mutation" and request.method != "POST":
        raise MethodNotAllowed("A mutation needs POST: GET only reads", allow="POST")
    if operation.kind == "subscription" and not accepted.stream:
        raise MalformedRequest(
            "A subscription needs a stream: send it with 'Accept: text/event-stream', or over a WebSocket with the "
            "subprotocol graphql-transport-ws"
        )
    return operation.kind == "subscription" or accepted.single is None or accepted.prefers_stream
