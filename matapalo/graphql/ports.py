"""What the endpoint needs from outside. `matapalo.app` joins these to the capabilities that do it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from graphql import ExecutionResult

from matapalo.auth.viewer import Viewer
from matapalo.graphql.arrival import Arrival
from matapalo.graphql.request import GraphQLParams, RequestFacts
from matapalo.operations.document import Operation

Transport = Literal["http", "sse", "websocket"]


class Guard(Protocol):
    """Counts a request of an address before anything of it is read; raises ``RateLimited`` for one too many."""

    def __call__(self, client_ip: str, /) -> None: ...


class Recall(Protocol):
    """Raises ``Denied`` when it is known without asking anybody that this operation of this viewer is refused."""

    def __call__(
        self, viewer: Viewer, client_ip: str, operation: Operation, variables: Mapping[str, Any], /
    ) -> None: ...


class Authenticate(Protocol):
    """Turns the ``Authorization`` header into a viewer; raises ``Unauthenticated`` for a token that is not good."""

    async def __call__(self, authorization: str | None) -> Viewer: ...


class FindOperation(Protocol):
    """The operation a request means: persisted or free text, parsed, validated and within the armour's limits.

    Raises the RequestError that fits (parse, validation, persisted-operation policy, unknown operation name).
    """

    def __call__(self, params: GraphQLParams, /) -> Operation: ...


class ReadKeys(Protocol):
    """The idempotency key of each root field of a mutation by its response name, None without; empty for others.

    ``header`` is what came as `Idempotency-Key`. Raises the BffError that fits when the operation must not run so.
    """

    def __call__(
        self, operation: Operation, variables: Mapping[str, Any], header: str | None, /
    ) -> Mapping[str, str | None]: ...


class RequestContext(Protocol):
    """What resolvers see as ``info.context``. The endpoint reads what to send, waits for it, and closes it."""

    response_headers: dict[str, str]
    response_extensions: dict[str, Any]

    async def decided(self) -> None:
        """Wait until it is known whether the operation may run; a stream sends its headers then."""
        ...

    async def aclose(self) -> None: ...


class MakeContext(Protocol):
    """One context per operation."""

    def __call__(self, facts: RequestFacts, viewer: Viewer) -> RequestContext: ...


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


@dataclass(frozen=True, slots=True)
class Seen:
    """One operation, or one request that never became one. ``outcome``: ``ok``, ``cancelled`` or an error's code."""

    arrival: Arrival
    transport: Transport
    outcome: str
    status: int
    duration_s: float
    operation: Operation | None = None


class Observe(Protocol):
    """Told about every operation when it has ended: metrics and the access log."""

    def __call__(self, seen: Seen, /) -> None: ...
