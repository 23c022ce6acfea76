"""A GraphQL server as small as it can be, for browser tests: graphql-core behind the GraphiQL page of the BFF.

It serves POST with JSON or, for ``Accept: text/event-stream``, with server-sent events (GraphQL over SSE, distinct
connections), and GET with the page and its files, at any path that ends in `/graphql`. It checks nothing: its schema
tells which headers arrived.
"""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from inspect import isawaitable
from typing import Any

import uvicorn
from graphql import ExecutionResult, GraphQLResolveInfo, build_schema, graphql, parse, subscribe

from matapalo.graphql.graphiql_page import GraphiQLPage

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

DEFAULT_QUERY = """\
query Welcome {
  customer {
    name
    orders {
      id
      total
    }
  }
}
"""

SCHEMA = build_schema("""
type Query {
  "Always the same customer."
  customer: Customer!
}

type Customer { id: ID! name: String! orders: [Order!]! }
type Order { id: ID! total: String! }

type Mutation {
  "The key that came with this mutation."
  idempotencyKey: String
}

type Subscription {
  "Counts up to a number, then waits for ever."
  counter(to: Int!): String!
}
""")


async def count(_info: GraphQLResolveInfo[dict[str, str]], to: int) -> AsyncIterator[dict[str, str]]:
    """The events of ``counter``."""
    for number in range(1, to + 1):
        yield {"counter": f"{number} of {to}"}
    await asyncio.Event().wait()


ROOT = {
    "customer": {
        "id": "cust_0001",
        "name": "Ada Lovelace",
        "orders": [{"id": "ord_2", "total": "€64.10"}, {"id": "ord_1", "total": "€12.00"}],
    },
    "idempotencyKey": lambda info: info.context.get("idempotency-key"),
    "counter": count,
}
PAGES = {client: GraphiQLPage(client, DEFAULT_QUERY) for client in ("web", "mobile")}


async def app(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    """The server as a raw ASGI application."""
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    if scope["method"] == "GET":
        await _respond(send, *_page_or_file(scope["path"], headers.get("if-none-match")))
        return
    request = json.loads(await _body(receive))
    operation = (request.get("variables"), request.get("operationName"))
    if headers["accept"] == "text/event-stream":
        events = subscribe(SCHEMA, parse(request["query"]), ROOT, headers, *operation)
        await _stream(send, receive, await events if isawaitable(events) else events)
    else:
        result = await graphql(SCHEMA, request["query"], ROOT, headers, *operation)
        await _respond(send, 200, [(b"content-type", b"application/json")], _json(result))


@contextmanager
def served() -> Iterator[str]:
    """The server on a free port, in a thread; yields its origin."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", ws="none", log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _page_or_file(path: str, if_none_match: str | None) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    page = PAGES["mobile" if path.startswith("/mobile/") else "web"]
    _endpoint, separator, name = path.rpartition("/graphiql/")
    return page.file(name, if_none_match) if separator else page.render(path)


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message["more_body"]:
            return bytes(body)


async def _respond(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _stream(send: Send, receive: Receive, events: AsyncIterator[ExecutionResult] | ExecutionResult) -> None:
    """Send events until the browser goes away. A subscription that cannot start is refused with a JSON response."""
    if isinstance(events, ExecutionResult):
        await _respond(send, 400, [(b"content-type", b"application/json")], _json(events))
        return
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    sending = asyncio.ensure_future(_send_events(send, events))
    while (await receive())["type"] != "http.disconnect":
        pass
    sending.cancel()


async def _send_events(send: Send, events: AsyncIterator[ExecutionResult]) -> None:
    async for event in events:
        body = b"event: next\ndata: " + _json(event) + b"\n\n"
        await send({"type": "http.response.body", "body": body, "more_body": True})


def _json(result: ExecutionResult) -> bytes:
    return json.dumps(result.formatted).encode()
