"""The way of a request from its parameters to a running operation, the same for HTTP, SSE and WebSocket.

The order is the platform's: may this address ask at all (`guard`), who is asking (`authenticate`), which operation
(`find`: persisted or free text, parsed, validated, armoured), may this transport carry it; then `admit` reads the
idempotency keys that it needs (`read_keys`), and gives it a context and a deadline. The viewer's limits come next, as
an extension of the schema (`matapalo.ratelimit.extension`); whom they refused a moment ago is not let in that far
(`recall`). Each gate raises the `BffError` that fits.
"""

import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

from graphql import ExecutionResult

from matapalo.auth.viewer import Viewer
from matapalo.graphql.arrival import Arrival
from matapalo.graphql.ports import (
    Authenticate,
    Executor,
    FindOperation,
    Guard,
    MakeContext,
    Observe,
    ReadKeys,
    Recall,
    RequestContext,
)
from matapalo.graphql.request import GraphQLParams
from matapalo.operations.document import Operation, OperationKind
from matapalo.process.clock import Clock

# REST calls keep the operation's deadline, each for its own field; the executor's net lies a little behind it, so that
# a slow service nulls its fields and not the whole answer.
NET_BEHIND_DEADLINE_S = 0.25


@dataclass(slots=True)
class Admitted:
    """An operation that passed every gate. Whoever holds it closes ``context``."""

    operation: Operation
    params: GraphQLParams
    context: RequestContext
    executor: Executor
    timeout_s: float

    async def execute(self) -> ExecutionResult:
        """Run a query or a mutation."""
        result = await self.executor.execute(
            self.operation, self.params.variables, self.params.extensions, self.context, timeout_s=self.timeout_s
        )
        if self.context.response_extensions:
            result.extensions = {**(result.extensions or {}), **self.context.response_extensions}
        return result

    async def results(self) -> AsyncGenerator[ExecutionResult, None]:
        """The results of any operation: one for a query or a mutation, a stream for a subscription."""
        if self.operation.kind != "subscription":
            yield await self.execute()
            return
        stream = self.executor.subscribe(self.operation, self.params.variables, self.params.extensions, self.context)
        async with aclosing(cast(Any, stream)):
            async for result in stream:
                yield result


def no_guard(_client_ip: str) -> None:
    """Let everybody in."""


def no_memory(_viewer: Viewer, _client_ip: str, _operation: Operation, _variables: Mapping[str, Any]) -> None:
    """Remember nobody."""


@dataclass(slots=True, kw_only=True)
class Gates:
    """The ports, joined in their order. ``denial_statuses``: a refusal by a limit is 429 in every media type."""

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
    recall: Recall = no_memory
    denial_statuses: bool = False

    def admit(self, arrival: Arrival, params: GraphQLParams, viewer: Viewer, operation: Operation) -> Admitted:
        """Give ``operation``, which the transport may carry, its context and its deadline."""
        keys = self.read_keys(operation, params.variables, arrival.text(b"idempotency-key"))
        self.recall(viewer, arrival.client_ip, operation, params.variables)
        allowed_s = self._deadline_of(operation.kind)
        facts = arrival.facts(arrival.started_s + allowed_s, idempotency_keys=keys)
        left_s = facts.deadline_s - self.clock.monotonic_s()
        return Admitted(
            operation=operation,
            params=params,
            context=self.make_context(facts, viewer),
            executor=self.executor,
            timeout_s=left_s + NET_BEHIND_DEADLINE_S,
        )

    def _deadline_of(self, kind: OperationKind) -> float:
        if kind == "subscription":
            return math.inf
        return self.query_deadline_s if kind == "query" else self.mutation_deadline_s
