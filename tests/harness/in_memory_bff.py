"""A client's schema over a `FakeUpstream`, without the endpoint: one context an operation, as in `matapalo.app`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import strawberry
from graphql import GraphQLError

from bff.commerce.context import Context
from bff.commerce.fulfilment.messages import Fulfilment, OrderEvent, PlaceOrderRequest, Receipt
from bff.commerce.fulfilment.ports import CancelResult, OrderWorkflows, PendingOrder
from bff.commerce.onboarding.messages import RegisterCustomerRequest
from bff.commerce.onboarding.ports import ConfirmResult
from matapalo.auth.viewer import ANONYMOUS, Viewer
from matapalo.errors import BffError, WorkflowsUnavailable
from matapalo.graphql.request import GraphQLRequest
from matapalo.idempotency.keys import KeyReader
from matapalo.idempotency.runner import LEASE, RETENTION, Idempotency
from matapalo.operations.document import Documents
from matapalo.operations.limits import DocumentLimits
from matapalo.process.clock import SystemClock
from matapalo.rest.pool import RestPool, create_pool
from matapalo.settings import Settings
from matapalo.workflows.client import Workflows
from matapalo.workflows.inspection import Inspector
from tests.harness.records import MemoryRecords
from tests.harness.upstream import FakeUpstream

SCHEMA_DIR = Path(__file__).parents[2] / "schema"
CUSTOMER = Viewer(subject="cust_0001", tier="premium", role="customer")
OPERATOR = Viewer(subject="op_1", tier="enterprise", role="operator")
SETTINGS = Settings(
    environment="development", jwks_file=Path("jwks.json"), secrets=("a secret of at least 32 characters",)
)

__all__ = [
    "ANONYMOUS",
    "CUSTOMER",
    "OPERATOR",
    "SCHEMA_DIR",
    "SETTINGS",
    "NoWorkflows",
    "code_of",
    "execute",
    "make_context",
    "memory_idempotency",
    "operation",
]  # fmt: skip

GENEROUS = DocumentLimits(tokens=10_000, depth=50, aliases=100, root_fields=100, introspection=True)


def operation(client: str, name: str) -> str:
    """The committed operation ``schema/operations/<client>/<name>.graphql``."""
    return (SCHEMA_DIR / "operations" / client / f"{name}.graphql").read_text()


class NoWorkflows:
    """Where no order workflow ever ran, and none can be started."""

    async def place(self, request: PlaceOrderRequest) -> Receipt | PendingOrder:
        raise WorkflowsUnavailable("no workflows here")

    async def confirm_warehouse(self, order_id: str) -> bool:
        return False

    async def cancel(self, order_id: str, reason: str) -> CancelResult:
        return CancelResult.NOT_RUNNING

    async def customer_of(self, order_id: str) -> str | None:
        return None

    async def workflow_of(self, order_id: str) -> str | None:
        return None

    async def register(self, request: RegisterCustomerRequest) -> bool:
        raise WorkflowsUnavailable("no workflows here")

    async def confirm(self, token: str) -> ConfirmResult:
        return ConfirmResult.TOO_LATE

    async def events(self, order_id: str, *, after: str | None, closed: bool) -> AsyncIterator[OrderEvent]:
        none: tuple[OrderEvent, ...] = ()
        for event in none:
            yield event

    async def fulfilments(self, order_ids: Sequence[str]) -> list[Fulfilment | None]:
        return [None for _ in order_ids]


def make_context(
    pool: RestPool,
    viewer: Viewer = CUSTOMER,
    *,
    deadline_in_s: float = 2.0,
    workflows: OrderWorkflows | None = None,
    idempotency: Idempotency | None = None,
    idempotency_keys: Mapping[str, str | None] | None = None,
) -> Context:
    """The context of one operation; keys are stored within it only, unless ``idempotency`` is given."""
    clock = SystemClock()
    request = GraphQLRequest(
        request_id="test",
        traceparent="00-1-2-01",
        deadline_s=clock.monotonic_s() + deadline_in_s,
        client_ip="::1",
        idempotency_keys=idempotency_keys or {},
    )
    headers = viewer.identity_headers() | request.forwarded_headers()
    rest = pool.client(headers=headers, deadline_s=request.deadline_s)
    return Context(
        viewer=viewer,
        request=request,
        clock=clock,
        rest=rest,
        workflows=workflows or NoWorkflows(),
        onboarding=workflows if isinstance(workflows, NoWorkflows) else NoWorkflows(),
        inspector=Inspector(Workflows(address="127.0.0.1:1", namespace="default")),
        idempotency=idempotency or memory_idempotency(),
    )


def memory_idempotency(client: str = "web") -> Idempotency:
    """Idempotency keys stored in memory."""
    return Idempotency(
        MemoryRecords(SystemClock(), lease=LEASE, retention=RETENTION), client=client, secrets=SETTINGS.secrets
    )


@dataclass(frozen=True)
class Result:
    """A result of GraphQL; ``errors`` is empty where it is left out."""

    data: Any
    errors: list[GraphQLError]


async def execute(
    schema: strawberry.Schema,
    query: str,
    upstream: FakeUpstream,
    *,
    viewer: Viewer = CUSTOMER,
    variables: Mapping[str, Any] | None = None,
    deadline_in_s: float = 2.0,
    workflows: OrderWorkflows | None = None,
    idempotency_key: str | None = None,
    idempotency: Idempotency | None = None,
) -> Result:
    """Execute an operation, with ``idempotency_key`` as the header of that name."""
    values = dict(variables or {})
    try:
        document = Documents(schema, GENEROUS).find(query, None)
        keys = KeyReader(schema)(document, values, idempotency_key)
    except BffError as error:
        return Result(None, [GraphQLError(error.message, original_error=error)])
    pool = create_pool(SETTINGS, SystemClock(), transport=upstream)
    try:
        context = make_context(
            pool,
            viewer,
            deadline_in_s=deadline_in_s,
            workflows=workflows,
            idempotency=idempotency,
            idempotency_keys=keys,
        )
        result = await schema.execute(query, values, context_value=context)
    finally:
        await pool.aclose()
    return Result(result.data, result.errors or [])


def code_of(error: GraphQLError) -> str:
    """The code the endpoint would put into ``extensions``."""
    return error.original_error.code if isinstance(error.original_error, BffError) else "INTERNAL"
