"""Server-sent events: an operation as ``next`` events and a ``complete`` (graphql-sse, distinct connections).

A well-formed request that is refused is refused inside the stream, since a browser's EventSource can read nothing else.
A client that disconnects cancels its operation. When the server stops, streams end without ``complete``: the client
knows that there is more and connects again.
Source: github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md.
"""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from starlette.types import Receive, Send

from matapalo.graphql.cors import Cors
from matapalo.graphql.pipeline import Pipeline, RequestContext
from matapalo.graphql.request import GraphQLRequest
from matapalo.graphql.response import GraphQLResponse, encode, http_headers, response_to_error, response_to_result
from matapalo.operations.document import Operation

_CONTENT_TYPE = b"text/event-stream; charset=utf-8"
_KEEP_ALIVE = b":\n\n"
# The empty data makes a browser dispatch the event.
_COMPLETE = b"event: complete\ndata:\n\n"


class EventStreams:
    """Runs operations as event streams, until they complete, the client leaves, or ``stopping`` is set."""

    def __init__(self, pipeline: Pipeline, cors: Cors, stopping: asyncio.Event, *, keep_alive_s: float = 12.0) -> None:
        self._pipeline = pipeline
        self._cors = cors
        self._stopping = stopping
        self._keep_alive_s = keep_alive_s

    async def run(
        self, request: GraphQLRequest, operation: Operation, context: RequestContext, receive: Receive, send: Send
    ) -> None:
        """Stream every result. The stream starts once the limiter has decided: its headers say so."""
        has_started = asyncio.Event()
        deciding = asyncio.create_task(context.decided())
        results = self._pipeline.results(request, operation, context)
        producing = asyncio.create_task(_produce(results, deciding, has_started, send))
        disconnecting = asyncio.create_task(_disconnected(receive))
        stopping = asyncio.create_task(self._stopping.wait())
        tasks: list[asyncio.Task[Any]] = [producing, disconnecting, stopping, deciding]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not disconnecting.done():
                await self._start(request, context.response_headers, send)
                await _send_chunk(send, _KEEP_ALIVE)
                has_started.set()
                await self._keep_alive(send, producing, disconnecting, stopping)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            await context.aclose()
        outcome = outcomes[0] if isinstance(outcomes[0], str) else "cancelled"
        if disconnecting.cancelled():
            await send({"type": "http.response.body", "body": b""})
        self._pipeline.end(request, "sse", outcome, 200)

    async def refuse(self, request: GraphQLRequest, response: GraphQLResponse, send: Send) -> None:
        """Say inside a stream that the request was refused."""
        await self._start(request, response.headers, send)
        await send({"type": "http.response.body", "body": _next(response) + _COMPLETE})
        self._pipeline.end(request, "sse", response.outcome, 200)

    async def _start(self, request: GraphQLRequest, headers: Mapping[str, str], send: Send) -> None:
        # Proxies must neither hold a stream back nor close it for being silent.
        headers = {"x-accel-buffering": "no", **headers}
        http = http_headers(request, self._cors, _CONTENT_TYPE, headers)
        await send({"type": "http.response.start", "status": 200, "headers": http})

    async def _keep_alive(self, send: Send, *tasks: "asyncio.Task[Any]") -> None:
        while True:
            done, _ = await asyncio.wait(tasks, timeout=self._keep_alive_s, return_when=asyncio.FIRST_COMPLETED)
            if done:
                return
            await _send_chunk(send, _KEEP_ALIVE)


async def _produce(results: Any, deciding: "asyncio.Task[Any]", has_started: asyncio.Event, send: Send) -> str:
    """Send every result, then ``complete``; the code of the last one that had an error, or ``ok``."""

    async def send_event(event: bytes) -> None:
        deciding.cancel()  # there is something to send: the headers are what they are
        await has_started.wait()
        await _send_chunk(send, event)

    outcome = "ok"
    try:
        async with aclosing(results):
            async for result in results:
                response = response_to_result(result)
                await send_event(_next(response))
                outcome = response.outcome
    except Exception as error:  # a bug in ours, or a scalar whose value is not JSON
        response = response_to_error(error)
        await send_event(_next(response))
        outcome = response.outcome
    await send_event(_COMPLETE)
    return outcome


async def _send_chunk(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _next(response: GraphQLResponse) -> bytes:
    return b"event: next\ndata: " + encode(response.payload) + b"\n\n"
