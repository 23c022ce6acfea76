"""A schema with idempotent mutations as small as the tests need, behind the real endpoint; and a ledger of effects."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import strawberry

from matapalo.auth.viewer import ANONYMOUS, Viewer
from matapalo.execution.projection import projection, returns
from matapalo.execution.run import SchemaExecutor
from matapalo.graphql.asgi import Endpoint
from matapalo.graphql.cors import Cors
from matapalo.graphql.pipeline import Pipeline
from matapalo.graphql.request import GraphQLRequest
from matapalo.idempotency.claim import Claim, claim_of
from matapalo.idempotency.idempotent import Idempotent
from matapalo.idempotency.keys import KeyReader, declare_idempotency
from matapalo.idempotency.records import Records
from matapalo.idempotency.replay import replay_snapshot
from matapalo.idempotency.runner import LEASE, RETENTION, WAIT, Idempotency
from matapalo.operations.document import Documents
from matapalo.operations.limits import DocumentLimits
from matapalo.process.clock import SystemClock
from tests.harness.asgi import Response, post
from tests.harness.records import MemoryRecords

SECRETS = ("the secret that signs in these tests",)


class Ledger:
    """What really happened. ``fail`` is raised before the effect, ``fail_after`` after it; ``gate`` holds it up."""

    def __init__(self) -> None:
        self.charges: list[str] = []
        self.claims: list[Claim] = []
        self.fail: Exception | None = None
        self.fail_after: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()

    async def charge(self, claim: Claim, amount: int) -> str:
        """Like a service that knows keys: the same key is the same charge."""
        self.claims.append(claim)
        self.entered.set()
        await self.gate.wait()
        if self.fail is not None:
            raise self.fail
        key = claim.derived("charge")
        if key not in self.charges:
            self.charges.append(key)
        if self.fail_after is not None:
            raise self.fail_after
        return f"pay_{self.charges.index(key)}_{amount}"


@dataclass
class Context:
    """The context of one operation."""

    viewer: Viewer
    request: GraphQLRequest
    idempotency: Idempotency
    ledger: Ledger
    clock: SystemClock = field(default_factory=SystemClock)
    claims: dict[str, Claim] = field(default_factory=dict)
    replayed_attempts: set[str] = field(default_factory=set)
    response_headers: dict[str, str] = field(default_factory=dict)
    response_extensions: dict[str, Any] = field(default_factory=dict)

    def on_replayed(self, response_key: str) -> None:
        """The limiter would take less: nothing is charged in these tests."""

    async def decided(self) -> None:
        """Nothing is limited in these tests."""

    async def aclose(self) -> None:
        """There is nothing to close."""


Info = strawberry.Info[Context, None]


@dataclass(frozen=True, slots=True)
class Payment:
    """The outcome of paying."""

    id: str
    amount: int
    note: str


@projection(Payment, name="Payment")
class PaymentType:
    id: str
    amount: int
    note: str

    @strawberry.field
    def viewer(self, info: Info) -> str | None:
        return info.context.viewer.subject


async def _pay(info: Info, amount: int) -> Payment:
    return Payment(id=await info.context.ledger.charge(claim_of(info), amount), amount=amount, note="Ada Lovelace")


@strawberry.input
class Lines:
    products: list[strawberry.ID]
    note: str | None = strawberry.UNSET


@strawberry.type
class Query:
    hello: str = "hello"


@strawberry.type
class Mutation:
    @returns(PaymentType, extensions=[Idempotent(required=True, replay=replay_snapshot(Payment), effect="service")])
    async def pay(self, info: Info, amount: int, lines: Lines | None = None) -> Payment:
        return await _pay(info, amount)

    @returns(
        PaymentType | None, extensions=[Idempotent(required=False, replay=replay_snapshot(Payment), effect="service")]
    )
    async def tip(self, info: Info, amount: int = 1) -> Payment:
        return await _pay(info, amount)

    @returns(PaymentType, extensions=[Idempotent(required=True, replay=replay_snapshot(Payment), effect="unsafe")])
    async def wire(self, info: Info, amount: int) -> Payment:
        return await _pay(info, amount)

    @returns(
        PaymentType,
        extensions=[
            Idempotent(
                required=True,
                replay=replay_snapshot(Payment),
                effect="service",
                anonymous=lambda arguments: f"anon:{arguments['email']}",
            )
        ],
    )
    async def register(self, info: Info, email: str) -> Payment:
        return await _pay(info, 0)

    @strawberry.mutation
    async def plain(self) -> str:
        return "done"


SCHEMA = strawberry.Schema(query=Query, mutation=Mutation)
declare_idempotency(SCHEMA)


async def authenticate(authorization: str | None) -> Viewer:
    """The token is the subject."""
    return ANONYMOUS if authorization is None else Viewer(subject=authorization.removeprefix("Bearer "))


class Harness:
    """One process: an endpoint over the schema, its keys in ``records``, its effects in ``ledger``."""

    def __init__(
        self,
        records: Records | None = None,
        *,
        ledger: Ledger | None = None,
        secrets: tuple[str, ...] = SECRETS,
        lease: timedelta = LEASE,
        wait: timedelta = WAIT,
        mutation_deadline_s: float = 5.0,
    ) -> None:
        self.ledger = ledger or Ledger()
        self.observed: list[tuple[str, str]] = []
        self.records = records or MemoryRecords(SystemClock(), lease=lease, retention=RETENTION)
        self.idempotency = Idempotency(
            self.records,
            client="web",
            secrets=secrets,
            lease=lease,
            wait=wait,
            observe=lambda name, outcome: self.observed.append((name, outcome)),
        )
        documents = Documents(SCHEMA, DocumentLimits(introspection=True))

        def find(request: GraphQLRequest, /) -> Any:
            return documents.find(request.query or "", request.operation_name)

        pipeline = Pipeline(
            authenticate=authenticate,
            find=find,
            read_keys=KeyReader(SCHEMA),
            make_context=lambda request, viewer: Context(viewer, request, self.idempotency, self.ledger),
            executor=SchemaExecutor(SCHEMA),
            observe=lambda request, **_: None,
            clock=SystemClock(),
            mutation_deadline_s=mutation_deadline_s,
        )
        self.endpoint = Endpoint(pipeline, cors=Cors([], local=False))

    async def send(
        self,
        query: str,
        key: str | None = None,
        *,
        variables: dict[str, Any] | None = None,
        viewer: str | None = "ana",
        accept: str = "application/graphql-response+json",
    ) -> Response:
        """POST ``query``, ``key`` as the header."""
        headers = {"accept": accept}
        if key is not None:
            headers["idempotency_key"] = key
        if viewer is not None:
            headers["authorization"] = f"Bearer {viewer}"
        return await post(self.endpoint, {"query": query, "variables": variables or {}}, **headers)
