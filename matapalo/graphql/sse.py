"""Server-sent events: an operation as ``next`` events and a ``complete`` (graphql-sse, distinct connections).

A well-formed request that is refused is answered inside the stream, since a browser's EventSource cannot read any other
answer. A client that leaves cancels its operation. When the server stops, streams end without ``complete``: the client
knows that there is more and connects again.
Source: github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md.
"""

import asyncio
from contextlib import aclosing
from typing import Any

from matapalo.graphql.exchange import Exchange
from matapalo.graphql.pipeline import Admitted, Gates
from matapalo.graphql.ports import Seen
from matapalo.graphql.reply import Reply, encode, reply_to, reply_to_failure
from matapalo.operations.document import Operation

_CONTENT_TYPE = b"text/event-stream; charset=utf-8"
# Proxies must neither keep a stream back nor close it for being silent.
_HEADERS = {"x-accel-buffering": "no"}
_KEEP_ALIVE = b":\n\n"
# The empty data makes a browser dispatch the event.
_COMPLETE = b"event: complete\ndata:\n\n"


class EventStreams:
    """Runs operations as event streams, until they complete, the client leaves, or ``stopping`` is set."""

    def __init__(self, gates: Gates, stopping: asyncio.Event, *, keep_alive_s: float = 12.0) -> None:
        self._gates = gates
        self._stopping = stopping
        self._keep_alive_s = keep_alive_s

    async def run(self, exchange: Exchange, admitted: Admitted) -> None:
        """Stream every result of ``admitted``. The stream begins once the limiter has decided: its headers say so."""
        begun = asyncio.Event()
        deciding = asyncio.create_task(admitted.context.decided())
        producing = asyncio.create_task(self._produce(exchange, admitted, deciding, begun))
        leaving = asyncio.create_task(exchange.gone())
        ending = asyncio.create_task(self._stopping.wait())
        tasks: list[asyncio.Task[Any]] = [producing, leaving, ending, deciding]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not leaving.done():
                await exchange.begin(_CONTENT_TYPE, _HEADERS | admitted.context.response_headers)
                await exchange.part(_KEEP_ALIVE)
                begun.set()
                await self._keep_alive(exchange, producing, leaving, ending)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            await admitted.context.aclose()
        outcome = outcomes[0] if isinstance(outcomes[0], str) else "cancelled"
        if not (leaving.done() and not leaving.cancelled()):
            await exchange.end()
        self._observe(exchange, admitted.operation, outcome)

    async def refuse(self, exchange: Exchange, operation: Operation | None, reply: Reply) -> None:
        """Say inside a stream that the request was refused."""
        await exchange.begin(_CONTENT_TYPE, _HEADERS | reply.headers)
        await exchange.part(_next(reply) + _COMPLETE)
        await exchange.end()
        self._observe(exchange, operation, reply.outcome)

    async def _keep_alive(self, exchange: Exchange, *tasks: "asyncio.Task[Any]") -> None:
        while True:
            done, _ = await asyncio.wait(tasks, timeout=self._keep_alive_s, return_when=asyncio.FIRST_COMPLETED)
            if done:
                return
            await exchange.part(_KEEP_ALIVE)

    async def _produce(
        self, exchange: Exchange, admitted: Admitted, deciding: "asyncio.Task[Any]", begun: asyncio.Event
    ) -> str:
        """Send every result, then ``complete``; the code of the last one that had an error, or ``ok``."""
        outcome = "ok"
        try:
            async with aclosing(admitted.results()) as results:
                async for result in results:
                    reply = reply_to(result)
                    deciding.cancel()  # there is something to send: the headers are what they are
                    await begun.wait()
                    await exchange.part(_next(reply))
                    outcome = reply.outcome
        except Exception as error:  # a bug in ours, or a scalar whose value is not JSON
            reply = reply_to_failure(error)
            deciding.cancel()
            await begun.wait()
            await exchange.part(_next(reply))
            outcome = reply.outcome
        deciding.cancel()
        await begun.wait()
        await exchange.part(_COMPLETE)
        return outcome

    def _observe(self, exchange: Exchange, operation: Operation | None, outcome: str) -> None:
        duration_s = self._gates.clock.monotonic_s() - exchange.arrival.started_s
        self._gates.observe(Seen(exchange.arrival, "sse", outcome, 200, duration_s, operation))


def _next(reply: Reply) -> bytes:
    return b"event: next\ndata: " + encode(reply.payload) + b"\n\n"
