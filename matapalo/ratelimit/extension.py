"""The limiter as a schema extension: after validation and before execution, an operation is charged or refused.

``on_execute`` estimates the cost and asks the limiter, once. A refused operation never starts: its result is set, and
no resolver runs. After the execution the unused part of the estimate is credited; the answer says what it cost
(`extensions.cost`) and how the viewer's limits stand (headers). A subscription is charged when it starts, says so with
its first event, and keeps its place among the concurrent operations until it ends. A query for nothing but the schema
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
from matapalo.ratelimit.rules.decision import RateLimitReservation
from matapalo.ratelimit.rules.policy import Kind
from matapalo.ratelimit.rules.subject import subject_of


class Facts(Protocol):
    """Facts of a request (`matapalo.graphql.request.GraphQLRequest`)."""

    @property
    def client_ip(self) -> str: ...


class LimitedContext(Protocol):
    """The context of an operation. Without a ``charge`` nothing is limited."""

    @property
    def viewer(self) -> Viewer: ...

    @property
    def request(self) -> Facts: ...

    @property
    def charge(self) -> OperationCharge | None: ...

    @property
    def response_headers(self) -> dict[str, str]: ...


class RateLimits:
    """What the extensions of all operations share. ``shows_cost``: answers carry `extensions.cost`."""

    def __init__(self, limiter: Limiter, costs: Costs, *, shows_cost: bool = True) -> None:
        self.limiter = limiter
        self.costs = costs
        self.shows_cost = shows_cost

    def install(self, schema: Schema) -> None:
        """Make every operation of ``schema`` pass the limiter, before any other extension executes it."""
        schema.extensions = (lambda: RateLimitExtension(self), *schema.extensions)

    async def admit(
        self, charge: OperationCharge, context: LimitedContext, seen: ExecutionContext, kind: Kind
    ) -> BffError | None:
        """OperationCharge an operation; why it may not run, if it may not."""
        if seen.query is None or seen.graphql_document is None:
            raise ValueError("the operation was not parsed: the limiter cannot tell what it costs")
        try:
            cost = self.costs.of(seen.query, seen.graphql_document, seen.operation_name)
            charge.cost, charge.variables = cost, seen.variables or {}
            charge.requested = cost.estimate(charge.variables)
        except BffError as error:
            return error
        if cost.is_introspection:
            kind = "introspection"
        viewer = context.viewer
        subject = subject_of(viewer, context.request.client_ip)
        decision = await self.limiter.reserve(subject, viewer.tier, cost=charge.requested, kind=kind)
        charge.decision = decision
        context.response_headers.update(headers_of(decision))
        if decision.admitted:
            return None
        return denied_error(decision, charge.requested, shows_cost=self.shows_cost)

    def check_denial_cache(
        self, viewer: Viewer, client_ip: str, operation: Operation, variables: Mapping[str, Any]
    ) -> None:
        """Raise what the limiter said to this viewer a moment ago and would say again: no store has to be asked.

        It is the same refusal as that of `admit`, before anything is made for the execution.
        """
        kind: Kind = operation.kind
        cost = self.costs.of(operation.source, operation.document, operation.name)
        if cost.is_introspection:
            kind = "introspection"
        decision = self.limiter.check_denial_cache(subject_of(viewer, client_ip), viewer.tier, kind)
        if decision is not None:
            raise denied_error(decision, cost.estimate(variables), shows_cost=self.shows_cost)

    def settle(self, charge: OperationCharge, context: LimitedContext, data: Mapping[str, Any] | None) -> None:
        """Credit what the execution did not use."""
        reservation = _reservation(charge)
        if reservation is not None:
            counted = charge.counted(data)
            charge.actual = min(charge.requested, counted)
            charge.returned = self.limiter.settle(reservation, counted)
            if charge.returned and charge.decision is not None:
                context.response_headers.update(headers_of(charge.decision, charge.returned))


class RateLimitExtension(SchemaExtension):
    """One operation's way through the limiter."""

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits
        self._open = AsyncExitStack()
        self._says_cost = limits.shows_cost
        self._is_stream = False

    async def on_operation(self) -> AsyncGenerator[None, None]:
        """Give a subscription's place back at its end."""
        try:
            yield
        finally:
            await self._open.aclose()

    async def on_execute(self) -> AsyncGenerator[None, None]:
        """OperationCharge or refuse, then credit."""
        seen = self.execution_context
        context: LimitedContext = seen.context
        charge = context.charge
        if charge is None:
            self._says_cost = False
            yield
            return
        kind = seen.operation_type
        self._is_stream = kind is OperationType.SUBSCRIPTION
        try:
            refused = await self._limits.admit(charge, context, seen, kind.value)
        finally:
            charge.decided.set()
        if refused is not None:
            seen.result = _refused(refused)
            yield
        elif self._is_stream:
            await self._hold(charge)
            yield
        else:
            try:
                yield
            finally:
                self._settle(charge)

    def get_results(self) -> dict[str, Any]:
        """`extensions.cost`; of a stream, in its first result."""
        charge = self.execution_context.context.charge if self._says_cost else None
        if charge is None or charge.decision is None:
            return {}
        self._says_cost = not self._is_stream
        return {"cost": cost_extension(charge.decision, charge.requested, charge.actual, charge.returned)}

    async def _hold(self, charge: OperationCharge) -> None:
        reservation = _reservation(charge)
        if reservation is not None:
            charge.actual = charge.requested
            self._limits.limiter.settle(reservation, charge.requested)
            await self._open.enter_async_context(self._limits.limiter.hold(reservation))

    def _settle(self, charge: OperationCharge) -> None:
        result = self.execution_context.result
        if isinstance(result, ExecutionResult):
            self._limits.settle(charge, self.execution_context.context, result.data)
            return
        reservation = _reservation(charge)  # cut off by the deadline: what it cost is not known
        if reservation is not None:
            self._limits.limiter.settle(reservation, charge.requested)


def _reservation(charge: OperationCharge) -> RateLimitReservation | None:
    return None if charge.decision is None else charge.decision.reservation


def _refused(error: BffError) -> ExecutionResult:
    return ExecutionResult(data=None, errors=[GraphQLError(error.message, original_error=error)])
