"""Asking a schema over a `FakeUpstream`, without the endpoint: one context per question, as `bff.app` makes it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import strawberry
from graphql import GraphQLError

from bff.clock import SystemClock
from bff.commerce.context import Context
from bff.commerce.fulfilment.messages import Fulfilment, OrderEvent, Receipt
from bff.commerce.fulfilment.ports import OrderWish, OrderWorkflows, PendingOrder
from bff.endpoint.request import RequestFacts
from bff.errors import BffError, WorkflowsUnavailable
from bff.fetch.client import Fetch, create_fetch
from bff.settings import Settings
from bff.viewer import ANONYMOUS, Viewer
from tests.support.upstream import FakeUpstream

SCHEMA_DIR = Path(__file__).parents[2] / "schema"
CUSTOMER = Viewer(subject="cust_0001", tier="premium", role="customer")
OPERATOR = Viewer(subject="op_1", tier="enterprise", role="operator")
SETTINGS = Settings(
    environment="development", jwks_file=Path("jwks.json"), secrets=("a secret of at least 32 characters",)
)

__all__ = [
    "ANONYMOUS", "CUSTOMER", "OPERATOR", "SCHEMA_DIR", "SETTINGS", "NoWorkflows", "ask", "code_of", "make_context",
    "operation",
]  # fmt: skip


def operation(client: str, name: str) -> str:
    """The committed operation ``schema/operations/<client>/<name>.graphql``."""
    return (SCHEMA_DIR / "operations" / client / f"{name}.graphql").read_text()


class NoWorkflows:
    """Where no order workflow ever ran, and none can be started."""

    async def place(self, wish: OrderWish) -> Receipt | PendingOrder:
        raise WorkflowsUnavailable("no workflows here")

    async def confirm_warehouse(self, order_id: str) -> bool:
        return False

    async def events(self, order_id: str, *, after: str | None, closed: bool) -> AsyncIterator[OrderEvent]:
        none: tuple[OrderEvent, ...] = ()
        for event in none:
            yield event

    async def fulfilments(self, order_ids: Sequence[str]) -> list[Fulfilment | None]:
        return [None for _ in order_ids]


def make_context(
    fetch: Fetch,
    viewer: Viewer = CUSTOMER,
    *,
    deadline_in_s: float = 2.0,
    workflows: OrderWorkflows | None = None,
    idempotency_key: str | None = None,
) -> Context:
    """The context of one operation."""
    clock = SystemClock()
    facts = RequestFacts(
        request_id="test",
        traceparent="00-1-2-01",
        deadline_s=clock.monotonic_s() + deadline_in_s,
        client_ip="::1",
        idempotency_key=idempotency_key,
    )
    headers = viewer.identity_headers() | facts.forwarded_headers()
    rest = fetch.bound(headers=headers, deadline_s=facts.deadline_s)
    return Context(viewer=viewer, request=facts, clock=clock, rest=rest, workflows=workflows or NoWorkflows())


@dataclass(frozen=True)
class Answered:
    """What a schema answered; ``errors`` is empty where GraphQL leaves it out."""

    data: Any
    errors: list[GraphQLError]


async def ask(
    schema: strawberry.Schema,
    query: str,
    upstream: FakeUpstream,
    *,
    viewer: Viewer = CUSTOMER,
    variables: Mapping[str, Any] | None = None,
    deadline_in_s: float = 2.0,
    workflows: OrderWorkflows | None = None,
    idempotency_key: str | None = None,
) -> Answered:
    """What the schema answers."""
    fetch = create_fetch(SETTINGS, SystemClock(), transport=upstream)
    try:
        context = make_context(
            fetch, viewer, deadline_in_s=deadline_in_s, workflows=workflows, idempotency_key=idempotency_key
        )
        result = await schema.execute(query, dict(variables or {}), context_value=context)
    finally:
        await fetch.aclose()
    return Answered(result.data, result.errors or [])


def code_of(error: GraphQLError) -> str:
    """The code the endpoint would put into ``extensions``."""
    return error.original_error.code if isinstance(error.original_error, BffError) else "INTERNAL"
