"""A schema as small as the endpoint's tests need, and the real endpoint in front of it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import strawberry
from strawberry.scalars import JSON

from matapalo.auth.viewer import ANONYMOUS, Viewer
from matapalo.errors import NotFound, PersistedQueryNotFound, Unauthenticated, UpstreamUnavailable
from matapalo.execution.run import SchemaExecutor
from matapalo.graphql.asgi import Endpoint
from matapalo.graphql.cors import Cors
from matapalo.graphql.graphiql_page import GraphiQLPage
from matapalo.graphql.pipeline import Pipeline, Transport
from matapalo.graphql.request import GraphQLRequest
from matapalo.graphql.websocket import ConnectionLimits
from matapalo.idempotency.keys import KeyReader
from matapalo.operations.document import Documents
from matapalo.operations.limits import DocumentLimits
from matapalo.process.clock import Clock, SystemClock

SECRET = "the-text-of-a-bug-7f3a"
ORIGIN = "https://shop.example"


@dataclass
class Context:
    """What the resolvers below read, and whether it was closed."""

    request: GraphQLRequest
    viewer: Viewer
    response_headers: dict[str, str] = field(default_factory=dict)
    response_extensions: dict[str, Any] = field(default_factory=dict)
    is_closed: bool = False

    async def decided(self) -> None:
        """Nothing is limited here."""

    async def aclose(self) -> None:
        self.is_closed = True


Info = strawberry.Info[Context, None]


@strawberry.type
class Facts:
    request_id: str
    traceparent: str
    client_ip: str
    client_name: str | None
    canary: str | None
    deadline_s: float


def _facts(info: Info) -> Facts:
    names = ("request_id", "traceparent", "client_ip", "client_name", "canary", "deadline_s")
    return Facts(**{name: getattr(info.context.request, name) for name in names})


@strawberry.input
class Range:
    low: int
    high: int = 9


@strawberry.type
class Query:
    facts: Facts = strawberry.field(resolver=_facts)

    @strawberry.field
    def hello(self, name: str = "you") -> str:
        return f"hello {name}"

    @strawberry.field
    def between(self, range: Range) -> int:
        return range.low

    @strawberry.field
    def price(self) -> Decimal:
        return Decimal("12.30")

    @strawberry.field
    def anything(self) -> JSON:
        return JSON({"price": Decimal("0.10"), "huge": "x"})

    @strawberry.field
    def not_json(self) -> JSON:
        return JSON({"what": object()})

    @strawberry.field
    def subject(self, info: Info) -> str | None:
        info.context.response_headers["x-seen"] = "yes"
        return info.context.viewer.subject

    @strawberry.field
    async def slow(self) -> str | None:
        await asyncio.Event().wait()
        return None

    @strawberry.field
    def bug(self) -> str | None:
        raise RuntimeError(SECRET)

    @strawberry.field
    def needed_bug(self) -> str:
        raise RuntimeError(SECRET)

    @strawberry.field
    def down(self) -> str | None:
        raise UpstreamUnavailable("orders did not response", retry_after_s=2.0)

    @strawberry.field
    def late(self) -> str | None:
        raise TimeoutError

    @strawberry.field
    def missing(self) -> str | None:
        raise NotFound("no such thing")

    @strawberry.field
    def too_big(self) -> int | None:
        return 2**40


@strawberry.type
class Mutation:
    @strawberry.mutation
    def write(self, info: Info) -> str | None:
        return info.context.request.idempotency_keys["write"]


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int) -> AsyncIterator[int]:
        for number in range(1, to + 1):
            yield number

    @strawberry.subscription
    async def forever(self) -> AsyncIterator[int]:
        yield 1
        try:
            await asyncio.Event().wait()
        finally:
            ENDED.append("forever")

    @strawberry.subscription
    async def breaks(self) -> AsyncIterator[int]:
        yield 1
        raise RuntimeError(SECRET)

    @strawberry.subscription
    async def refused(self) -> AsyncIterator[int]:
        raise NotFound("no such order")
        yield 1

    @strawberry.subscription
    async def slow_start(self) -> AsyncIterator[int]:
        await asyncio.Event().wait()
        yield 1


#: Subscriptions whose generator has been closed.
ENDED: list[str] = []

SCHEMA = strawberry.Schema(query=Query, mutation=Mutation, subscription=Subscription)


async def authenticate(authorization: str | None) -> Viewer:
    """Accept one token, ``good``."""
    if authorization is None:
        return ANONYMOUS
    if authorization != "Bearer good":
        raise Unauthenticated("The token has expired (exp)")
    return Viewer(subject="cust_0001")


class Observation(NamedTuple):
    """What the observer was told about one request."""

    request: GraphQLRequest
    transport: Transport
    outcome: str
    status: int


@dataclass
class Harness:
    """An endpoint, what its observer was told, and the contexts it made."""

    endpoint: Endpoint
    observed: list[Observation]
    contexts: list[Context]


def create(
    *,
    clock: Clock | None = None,
    graphiql: GraphiQLPage | None = None,
    local: bool = False,
    limits: DocumentLimits | None = None,
    connection_limits: ConnectionLimits | None = None,
    max_body_bytes: int = 100_000,
    keep_alive_s: float = 12.0,
    query_deadline_s: float = 2.0,
) -> Harness:
    """The real endpoint over the schema above; free text only."""
    documents = Documents(SCHEMA, limits or DocumentLimits(introspection=True))
    observed: list[Observation] = []
    contexts: list[Context] = []

    def find(request: GraphQLRequest, /) -> Any:
        if not request.query:
            raise PersistedQueryNotFound("No operation with this hash is known here")
        return documents.find(request.query, request.operation_name)

    def make_context(request: GraphQLRequest, viewer: Viewer) -> Context:
        contexts.append(Context(request, viewer))
        return contexts[-1]

    def observe(
        request: GraphQLRequest, /, *, transport: Transport, outcome: str, status: int, duration_s: float
    ) -> None:
        observed.append(Observation(request, transport, outcome, status))

    pipeline = Pipeline(
        authenticate=authenticate,
        find=find,
        read_keys=KeyReader(SCHEMA),
        make_context=make_context,
        executor=SchemaExecutor(SCHEMA),
        observe=observe,
        clock=clock or SystemClock(),
        query_deadline_s=query_deadline_s,
    )
    endpoint = Endpoint(
        pipeline,
        cors=Cors([ORIGIN], local=local),
        graphiql=graphiql,
        max_body_bytes=max_body_bytes,
        connection_limits=connection_limits,
        keep_alive_s=keep_alive_s,
    )
    return Harness(endpoint, observed, contexts)
