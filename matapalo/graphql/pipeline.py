"""The way of a request to its result, the same for HTTP, SSE and WebSocket.

The order is the platform's: may this address send requests at all (`guard`), whose token is it (`authenticate`), which
operation is it (`find`: persisted or free text, parsed, validated, within the document limits), may this transport
carry it. Then `prepare` reads the idempotency keys that it needs (`read_keys`), ends what the limiter has denied a
moment ago (`check_denial_cache`), and gives it a deadline and a context. The viewer's limits come next, as an extension
of the schema (`matapalo.ratelimit.extension`). Each check raises the `BffError` that fits.

What does the work is handed in, by `matapalo.app`.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast

from graphql import ExecutionResult

from matapalo.auth.viewer import Viewer
from matapalo.graphql.request import GraphQLRequest
from matapalo.operations.document import Operation
from matapalo.process.clock import Clock

# REST calls keep the operation's deadline, each for its own field; the executor's net lies a little behind it, so that
# a slow service nulls its fields and not the whole result.
NET_BEHIND_DEADLINE_S = 0.25

Transport = Literal["http", "sse", "websocket"]

#: Counts a request of an address before anything of it is read; raises ``RateLimited`` for one too many.
Guard = Callable[[str], None]
#: The ``Authorization`` header as a viewer; raises ``Unauthenticated`` for a token that is not good.
Authenticate = Callable[[str | None], Awaitable[Viewer]]
#: The operation a request means; raises the ``RequestError`` that fits.
FindOperation = Callable[[GraphQLRequest], Operation]
#: The idempotency key of each root field of a mutation by its response name, None without; empty for others.
#: The last argument is the header. Raises the ``BffError`` that fits when the operation must not run so.
ReadKeys = Callable[[Operation, Mapping[str, Any], str | None], Mapping[str, str | None]]
#: Raises ``Denied`` when the limiter has just denied such an operation of this viewer at this address.
CheckDenialCache = Callable[[Viewer, str, Operation, Mapping[str, Any]], None]


class RequestContext(Protocol):
    """What resolvers see as ``info.context``. The endpoint reads what to send, waits for it, and closes it."""

    response_headers: dict[str, str]
    response_extensions: dict[str, Any]

    async def decided(self) -> None:
        """Wait until it is settled whether the operation may run; a stream sends its headers then."""
        ...

    async def aclose(self) -> None: ...


MakeContext = Callable[[GraphQLRequest, Viewer], RequestContext]


class Executor(Protocol):
    """Runs an operation. Never raises for what the operation does: errors are in the result."""

    async def execute(
        self,
        operation: Operation,
        variables: Mapping[str, Any],
        extensions: Mapping[str, Any],
        context: Any,
        *,
        timeout_s: float,
    ) -> ExecutionResult: ...

    def subscribe(
        self, operation: Operation, variables: Mapping[str, Any], extensions: Mapping[str, Any], context: Any
    ) -> AsyncIterator[ExecutionResult]: ...


class Observe(Protocol):
    """Told about every request when it has ended. ``outcome``: ``ok``, ``cancelled`` or an error's code."""

    def __call__(
        self, request: GraphQLRequest, /, *, transport: Transport, outcome: str, status: int, duration_s: float
    ) -> None: ...


def no_guard(_client_ip: str) -> None:
    """Let every address in."""


def no_denial_cache(_viewer: Viewer, _client_ip: str, _operation: Operation, _variables: Mapping[str, Any]) -> None:
    """Where there is no denial cache."""


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """The checks, joined in their order. ``denial_statuses``: a denial by a limit is 429 in every media type."""

    authenticate: Authenticate
    find: FindOperation
    read_keys: ReadKeys
    make_context: MakeContext
    executor: Executor
    observe: Observe
    clock: Clock
    query_deadline_s: float = 2.0
    mutation_deadline_s: float = 5.0
    guard: Guard = no_guard
    check_denial_cache: CheckDenialCache = no_denial_cache
    denial_statuses: bool = False

    def prepare(self, request: GraphQLRequest, operation: Operation, viewer: Viewer) -> RequestContext:
        """Give ``operation``, which the transport may carry, its keys, its deadline and its context: close that."""
        request.idempotency_keys = self.read_keys(operation, request.variables, request.header(b"idempotency-key"))
        self.check_denial_cache(viewer, request.client_ip, operation, request.variables)
        if operation.kind != "subscription":
            is_query = operation.kind == "query"
            request.deadline_s = request.started_s + (self.query_deadline_s if is_query else self.mutation_deadline_s)
        return self.make_context(request, viewer)

    async def execute(self, request: GraphQLRequest, operation: Operation, context: RequestContext) -> ExecutionResult:
        """Run a query or a mutation that was prepared."""
        timeout_s = request.deadline_s - self.clock.monotonic_s() + NET_BEHIND_DEADLINE_S
        result = await self.executor.execute(
            operation, request.variables, request.extensions, context, timeout_s=timeout_s
        )
        if context.response_extensions:
            result.extensions = {**(result.extensions or {}), **context.response_extensions}
        return result

    async def results(
        self, request: GraphQLRequest, operation: Operation, context: RequestContext
    ) -> AsyncGenerator[ExecutionResult, None]:
        """The results of any operation: one for a query or a mutation, a stream for a subscription."""
        if operation.kind != "subscription":
            yield await self.execute(request, operation, context)
            return
        stream = self.executor.subscribe(operation, request.variables, request.extensions, context)
        async with aclosing(cast(Any, stream)):
            async for result in stream:
                yield result

    def end(self, request: GraphQLRequest, transport: Transport, outcome: str, status: int) -> None:
        """Report a request, or one operation of a WebSocket, that has ended."""
        duration_s = self.clock.monotonic_s() - request.started_s
        self.observe(request, transport=transport, outcome=outcome, status=status, duration_s=duration_s)
