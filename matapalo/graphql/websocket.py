"""Subscriptions and queries over one WebSocket: the protocol graphql-transport-ws.

The token comes in the payload of ``connection_init`` (`Authorization` or `authorization`: a browser cannot set headers)
or, from other clients, in the handshake's header. Mutations are refused: their Idempotency-Key is an HTTP header.
Close codes are the protocol's: 4400 not a message of the protocol, 4401 subscribed before the acknowledgement, 4403
the token is not good, 4406 another subprotocol, 4408 no ``connection_init`` in time, 4409 the id is in use, 4429
initialised twice; 1009 a message over the limit, 1012 the server stops (clients connect again).
Source: github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md.
"""

import asyncio
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from matapalo.auth.viewer import Viewer
from matapalo.errors import OperationNotAllowed, Overloaded, Unauthenticated
from matapalo.graphql.cors import Cors
from matapalo.graphql.errors import MalformedRequest, render
from matapalo.graphql.pipeline import Pipeline
from matapalo.graphql.request import GraphQLRequest
from matapalo.graphql.response import encode, response_to_error, response_to_result
from matapalo.operations.document import Operation
from matapalo.telemetry.logs import bind

SUBPROTOCOL = "graphql-transport-ws"
_MAX_ID = 128


class Close(Exception):
    """The connection must end with this code. ``reason`` is shown to the client, in at most 123 bytes."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason[:120]


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one WebSocket may do."""

    init_timeout_s: float = 10.0
    subscriptions: int = 50
    message_bytes: int = 100_000


class WebSocketHandler:
    """Takes WebSocket handshakes; each accepted one is a `_Connection` until it ends."""

    def __init__(self, pipeline: Pipeline, cors: Cors, stopping: asyncio.Event, limits: ConnectionLimits) -> None:
        self._pipeline = pipeline
        self._cors = cors
        self._stopping = stopping
        self._limits = limits

    async def handle(self, handshake: GraphQLRequest, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket from its handshake to its end."""
        if (await receive())["type"] != "websocket.connect":
            return
        if not self._cors.may_connect(handshake.header(b"origin"), handshake.header(b"host")):
            await send({"type": "websocket.close", "code": 1008, "reason": "This origin may not connect"})
            return
        if SUBPROTOCOL not in scope.get("subprotocols", ()):
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 4406, "reason": "Subprotocol not acceptable"})
            return
        headers = [(b"x-request-id", handshake.request_id.encode())]
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL, "headers": headers})
        connection = _Connection(self._pipeline, self._limits, receive, send, handshake)
        serving = asyncio.create_task(connection.serve())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            must_close = not serving.done()
            serving.cancel()
            stopping.cancel()
            await asyncio.gather(serving, stopping, return_exceptions=True)
        if must_close:
            await connection.close(Close(1012, "The server stops"))


@dataclass(slots=True)
class _Connection:
    """The state of one accepted WebSocket: its viewer, and the operations that run on it."""

    pipeline: Pipeline
    limits: ConnectionLimits
    receive: Receive
    send: Send
    handshake: GraphQLRequest
    viewer: Viewer | None = None
    is_initialised: bool = False
    running: "dict[str, asyncio.Task[None]]" = field(default_factory=dict)

    async def serve(self) -> None:
        """Take messages until the client leaves or breaks the protocol; nothing of it runs on afterwards."""
        broken: Close | None = None
        try:
            async with asyncio.timeout(self.limits.init_timeout_s) as init_timeout:
                while (message := await self.receive())["type"] == "websocket.receive":
                    await self._handle(self._decode(message))
                    if self.viewer is not None:
                        init_timeout.reschedule(None)
        except TimeoutError:
            broken = Close(4408, "Connection initialisation timeout")
        except Close as close:
            broken = close
        finally:
            running = list(self.running.values())
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        if broken is not None:
            await self.close(broken)

    async def close(self, close: Close) -> None:
        """Close the connection; no operation may be running."""
        await self._send({"type": "websocket.close", "code": close.code, "reason": close.reason})

    def _decode(self, message: Any) -> dict[str, Any]:
        text = message.get("text")
        content: bytes = text.encode("utf-8", "surrogatepass") if text is not None else message.get("bytes") or b""
        if len(content) > self.limits.message_bytes:
            raise Close(1009, f"A message may have {self.limits.message_bytes} bytes")
        try:
            decoded = orjson.loads(content)
        except orjson.JSONDecodeError:
            raise Close(4400, "A message must be JSON in UTF-8") from None
        if not isinstance(decoded, dict) or not isinstance(decoded.get("type"), str):
            raise Close(4400, "A message must be a JSON object with the member 'type'")
        return decoded

    async def _handle(self, message: dict[str, Any]) -> None:
        kind, payload = message["type"], message.get("payload")
        if kind == "connection_init":
            await self._initialise(payload)
        elif kind == "subscribe":
            await self._subscribe(message.get("id"), payload)
        elif kind == "complete":
            self._complete(message.get("id"))
        elif kind == "ping":
            await self._send_json({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})
        elif kind != "pong":
            raise Close(4400, f"The protocol has no message {kind[:40]!r} from a client")

    async def _initialise(self, payload: object) -> None:
        if self.is_initialised:
            raise Close(4429, "Too many initialisation requests")
        self.is_initialised = True
        if payload is not None and not isinstance(payload, dict):
            raise Close(4400, "The payload of connection_init must be a JSON object")
        members = payload or {}
        handshake_token = self.handshake.header(b"authorization")
        token = members.get("Authorization", members.get("authorization", handshake_token))
        if token is not None and not isinstance(token, str):
            raise Close(4400, "Authorization must be a string")
        try:
            self.viewer = await self.pipeline.authenticate(token)
        except Unauthenticated as error:
            raise Close(4403, error.message) from None
        except Exception as error:
            raise Close(1011, render(error)[0]["message"]) from None
        await self._send_json({"type": "connection_ack"})

    async def _subscribe(self, name: object, payload: object) -> None:
        if self.viewer is None:
            raise Close(4401, "Unauthorized: send connection_init first")
        if not isinstance(name, str) or not 0 < len(name) <= _MAX_ID:
            raise Close(4400, f"The id of a subscription must be a string of 1 to {_MAX_ID} characters")
        if name in self.running:
            raise Close(4409, f"Subscriber for {name} already exists")
        request = self.handshake.next_operation(self.pipeline.clock.monotonic_s())
        try:
            request.read_members(payload)
        except MalformedRequest as error:
            raise Close(4400, error.message) from None
        if len(self.running) >= self.limits.subscriptions:
            failure = Overloaded(f"This connection has {self.limits.subscriptions} subscriptions, the most allowed")
            await self._send_json({"type": "error", "id": name, "payload": render(failure)})
            return
        self.running[name] = asyncio.create_task(self._run(name, request, self.viewer))

    def _complete(self, name: object) -> None:
        if not isinstance(name, str):
            raise Close(4400, "complete needs the id of a subscription")
        task = self.running.pop(name, None)
        if task is not None:
            task.cancel()

    async def _run(self, name: str, request: GraphQLRequest, viewer: Viewer) -> None:
        """One operation, from the first check to its last message."""
        bind(request.request_id, request.traceparent)
        outcome = "cancelled"
        try:
            self.pipeline.guard(request.client_ip)
            request.operation = operation = self.pipeline.find(request)
            if operation.kind == "mutation":
                raise OperationNotAllowed("A mutation needs POST: its Idempotency-Key is an HTTP header")
            outcome = await self._stream(name, request, operation, viewer)
        except Exception as error:  # a bug, too, becomes a message
            response = response_to_error(error)
            outcome = response.outcome
            await self._end(name, {"type": "error", "id": name, "payload": response.payload["errors"]})
        finally:
            self.pipeline.end(request, "websocket", outcome, 101)

    async def _stream(self, name: str, request: GraphQLRequest, operation: Operation, viewer: Viewer) -> str:
        """Send every result; the code of the last one that had an error, or ``ok``."""
        context = self.pipeline.prepare(request, operation, viewer)
        outcome = "ok"
        has_begun = False
        last: dict[str, Any] = {"type": "complete", "id": name}
        try:
            async with aclosing(self.pipeline.results(request, operation, context)) as results:
                async for result in results:
                    response = response_to_result(result)
                    outcome = response.outcome
                    if response.is_refusal and not has_begun:  # the protocol ends a refused operation with `error`
                        last = {"type": "error", "id": name, "payload": response.payload["errors"]}
                        break
                    has_begun = True
                    await self._send_json({"type": "next", "id": name, "payload": response.payload})
        finally:
            await context.aclose()
        await self._end(name, last)
        return outcome

    async def _end(self, name: str, message: dict[str, Any]) -> None:
        """Send the last message of an operation, unless the client ended it first; its id is free before that."""
        if self.running.get(name) is asyncio.current_task():
            del self.running[name]
            await self._send_json(message)

    async def _send_json(self, message: dict[str, Any]) -> None:
        await self._send({"type": "websocket.send", "text": encode(message).decode()})

    async def _send(self, message: dict[str, Any]) -> None:
        # A server raises OSError once the client has left; `serve` learns of that from its next message.
        with suppress(OSError):
            await self.send(message)
