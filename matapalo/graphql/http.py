"""POST and GET: one request, one answer; those that want a stream go on to `matapalo.graphql.sse`.

A plain request runs on when its client leaves: its deadline is near, and a mutation must not be cut in the middle.
Source: GraphQL over HTTP §5, §6.
"""

from matapalo.errors import RateLimited, RequestTooLarge
from matapalo.graphql.errors import MethodNotAllowed, NotAcceptable, NotWellFormed
from matapalo.graphql.exchange import ClientGone, Exchange
from matapalo.graphql.negotiation import JSON, Accepted, MediaType, check_body
from matapalo.graphql.params import params_from_body, params_from_query_string
from matapalo.graphql.pipeline import Admitted, Gates
from matapalo.graphql.ports import Seen
from matapalo.graphql.reply import Reply, encode, reply_to, reply_to_failure
from matapalo.graphql.request import GraphQLParams
from matapalo.graphql.sse import EventStreams
from matapalo.operations.document import Operation

_CONTENT_TYPES: dict[MediaType, bytes] = {
    "application/graphql-response+json": b"application/graphql-response+json; charset=utf-8",
    "application/json": b"application/json; charset=utf-8",
}


class Answers:
    """Runs what comes by POST and GET."""

    def __init__(self, gates: Gates, streams: EventStreams, *, max_body_bytes: int) -> None:
        self._gates = gates
        self._streams = streams
        self._max_body_bytes = max_body_bytes

    async def answer(self, exchange: Exchange, accepted: Accepted) -> None:
        """Run the request and send its answer, whatever happens to it."""
        operation: Operation | None = None
        try:
            if accepted.single is None and not accepted.stream:
                raise NotAcceptable(
                    "Accept names nothing we send: application/graphql-response+json, application/json "
                    "or text/event-stream"
                )
            self._gates.guard(exchange.arrival.client_ip)
            viewer = await self._gates.authenticate(exchange.arrival.text(b"authorization"))
            params = await self._params(exchange)
            operation = self._gates.find(params)
            streamed = _is_streamed(operation, accepted, exchange.method)
            admitted = self._gates.admit(exchange.arrival, params, viewer, operation)
        except ClientGone:
            return
        except Exception as error:  # a bug, too, becomes an answer
            await self._refuse(exchange, accepted, operation, reply_to_failure(error))
            return
        if streamed:
            await self._streams.run(exchange, admitted)
        else:
            await self._execute(exchange, accepted.single or JSON, admitted)

    async def _params(self, exchange: Exchange) -> GraphQLParams:
        if exchange.method != "POST":
            query_string: bytes = exchange.scope["query_string"]
            if len(query_string) > self._max_body_bytes:
                raise RequestTooLarge(f"The query string is longer than {self._max_body_bytes} bytes")
            return params_from_query_string(query_string)
        check_body(exchange.arrival.text(b"content-type"), exchange.arrival.text(b"content-encoding"))
        return params_from_body(await exchange.body(self._max_body_bytes))

    async def _execute(self, exchange: Exchange, media_type: MediaType, admitted: Admitted) -> None:
        try:
            reply = reply_to(await admitted.execute())
            body = encode(reply.payload)
        except Exception as error:  # a bug in ours, or a scalar whose value is not JSON
            reply = reply_to_failure(error)
            body = encode(reply.payload)
        finally:
            await admitted.context.aclose()
        reply.headers.update(admitted.context.response_headers)
        await self._send(exchange, media_type, admitted.operation, reply, body)

    async def _refuse(self, exchange: Exchange, accepted: Accepted, operation: Operation | None, reply: Reply) -> None:
        if accepted.single is None and accepted.stream and not reply.malformed:
            await self._streams.refuse(exchange, operation, reply)
            return
        if reply.status == MethodNotAllowed.http_status:
            reply.headers["allow"] = "POST"
        await self._send(exchange, accepted.single or JSON, operation, reply, encode(reply.payload))

    async def _send(
        self, exchange: Exchange, media_type: MediaType, operation: Operation | None, reply: Reply, body: bytes
    ) -> None:
        if self._gates.denial_statuses and reply.status == RateLimited.http_status:
            reply.malformed = True
        status = reply.status_for(media_type)
        await exchange.answer(status, _CONTENT_TYPES[media_type], body, reply.headers)
        arrival = exchange.arrival
        duration_s = self._gates.clock.monotonic_s() - arrival.started_s
        self._gates.observe(Seen(arrival, "http", reply.outcome, status, duration_s, operation))


def _is_streamed(operation: Operation, accepted: Accepted, method: str) -> bool:
    """Whether the answer is a stream; raises when this request cannot carry the operation."""
    if operation.kind == "mutation" and method != "POST":
        raise MethodNotAllowed("A mutation needs POST: GET only reads")
    if operation.kind == "subscription" and not accepted.stream:
        raise NotWellFormed(
            "A subscription needs a stream: send it with 'Accept: text/event-stream', or over a WebSocket with the "
            "subprotocol graphql-transport-ws"
        )
    return operation.kind == "subscription" or accepted.single is None or accepted.prefers_stream
