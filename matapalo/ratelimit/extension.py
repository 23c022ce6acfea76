"""The limiter as a schema extension: after validation and before execution, an operation is charged or denied.

``on_execute`` estimates the cost and calls the limiter, once. A denied operation never starts: its result is set, and
no resolver runs. After the execution the unused part of the estimate is credited; the response says what it cost
(`extensions.cost`) and how the viewer's limits stand (headers). A subscription is charged when it starts, says so with
its first event, and keeps its permit among the concurrent operations until it ends. A query for nothing but the schema
has a budget of its own.

A context without a ``charge`` is not limited: nothing but the endpoint makes one.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack
from typing import Any, Protocol

from graphql import ExecutionResult, GraphQLError
from strawberry import Schema
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionContext
from strawberry.types.graphql import OperationType

from matapalo.auth.viewer import Viewer
from matapalo.errors import BffError
from matapalo.operations.document import Operation
from matapalo.ratelimit.charge import OperationCharge
from matapalo.ratelimit.cost.operations import Costs
from matapalo.ratelimit.headers import cost_extension, denied_error, headers_of
from matapalo.ratelimit.limiter import Limiter
from matapalo.ratelimit.rules.policy import Kind
from matapalo.ratelimit.rules.subject import subject_of


class LimitedRequest(Protocol):
    """The part of `matapalo.graphql.request.GraphQLRequest` that limits depend on."""

    @property
    def client_ip(self) -> str: ...


class LimitedContext(Protocol):
    """The context of an operation. Without a ``charge`` nothing is limited."""

    @property
    def viewer(self) -> Viewer: ...

    @property
    def request(self) -> LimitedRequest: ...

    @property
    def charge(self) -> OperationCharge | None: ...

    @property
    def response_headers(self) -> dict[str, str]: ...


class RateLimits:
    """What the extensions of all operations share. ``shows_cost``: responses carry `extensions.cost`."""

    def __init__(self, limiter: Limiter, costs: Costs, *, shows_cost: bool = True) -> None:
        self.limiter = limiter
        self.costs = costs
        self.shows_cost = shows_cost

    def install(self, schema: Schema) -> None:
        """Make every operation of ``schema`` pass the limiter, before any other extension executes it."""
        schema.extensions = (lambda: RateLimitExtension(self), *schema.extensions)

    def check_denial_cache(
        self, viewer: Viewer, client_ip: str, operation: Operation, variables: Mapping[str, Any]
    ) -> None:
        """Raise what the limiter said to this viewer a moment ago and would say again: no store has to be called.

        It is the same error as that of `reserve`, before anything is made for the execution.
        """
        cost = self.costs.of(operation.source, operation.document, operation.name)
        kind: Kind = "introspection" if cost.is_introspection else operation.kind
        decision = self.limiter.check_denial_cache(subject_of(viewer, client_ip), viewer.tier, kind)
        if decision is not None:
            raise denied_error(decision, cost.estimate(variables), shows_cost=self.shows_cost)

    async def reserve(
        self, charge: OperationCharge, context: LimitedContext, execution: ExecutionContext, kind: Kind
    ) -> BffError | None:
        """Charge an operation; why it may not run, if it may not."""
        if execution.query is None or execution.graphql_document is None:
            raise ValueError("the operation was not parsed: the limiter cannot tell what it costs")
        try:
            cost = self.costs.of(execution.query, execution.graphql_document, execution.operation_name)
            charge.cost, charge.variables = cost, execution.variables or {}
            charge.requested = cost.estimate(charge.variables)
        except BffError as error:
            return error
        viewer = context.viewer
        charge.decision = decision = await self.limiter.reserve(
            subject_of(viewer, context.request.client_ip),
            viewer.tier,
            cost=charge.requested,
            kind="introspection" if cost.is_introspection else kind,
        )
        context.response_headers.update(headers_of(decision))
        if decision.allowed:
            return None
        return denied_error(decision, charge.requested, shows_cost=self.shows_cost)


class RateLimitExtension(SchemaExtension):
    """One operation's way through the limiter."""

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits
        self._permit = AsyncExitStack()
        self._says_cost = limits.shows_cost
        self._is_stream = False

    async def on_operation(self) -> AsyncGenerator[None, None]:
        """Release a subscription's permit at its end."""
        try:
            yield
        finally:
            await self._permit.aclose()

    async def on_execute(self) -> AsyncGenerator[None, None]:
        """Charge or deny, then credit what was not used."""
        execution = self.execution_context
        context: LimitedContext = execution.context
        charge = context.charge
        if charge is None:
            self._says_cost = False
            yield
            return
        kind = execution.operation_type
        self._is_stream = kind is OperationType.SUBSCRIPTION
        try:
            error = await self._limits.reserve(charge, context, execution, kind.value)
        finally:
            charge.decided.set()
        if error is not None:
            execution.result = ExecutionResult(data=None, errors=[GraphQLError(error.message, original_error=error)])
            yield
        elif self._is_stream:
            await self._hold(charge)
            yield
        else:
            try:
                yield
            finally:
                self._settle(charge, context)

    def get_results(self) -> dict[str, Any]:
        """`extensions.cost`; of a stream, in its first result."""
        charge = self.execution_context.context.charge if self._says_cost else None
        if charge is None or charge.decision is None:
            return {}
        self._says_cost = not self._is_stream
        return {"cost": cost_extension(charge.decision, charge.requested, charge.actual, charge.returned)}

    async def _hold(self, charge: OperationCharge) -> None:
        if charge.reservation is not None:
            charge.actual = charge.requested
            self._limits.limiter.settle(charge.reservation, charge.requested)
            await self._permit.enter_async_context(self._limits.limiter.hold(charge.reservation))

    def _settle(self, charge: OperationCharge, context: LimitedContext) -> None:
        result, limiter = self.execution_context.result, self._limits.limiter
        if charge.decision is None or charge.reservation is None:
            return
        if not isinstance(result, ExecutionResult):  # cut off by the deadline: what it cost is not known
            limiter.settle(charge.reservation, charge.requested)
            return
        actual = charge.actual_cost(result.data)
        charge.actual = min(charge.requested, actual)
        charge.returned = limiter.settle(charge.reservation, actual)
        if charge.returned:
            context.response_headers.update(headers_of(charge.decision, charge.returned))
