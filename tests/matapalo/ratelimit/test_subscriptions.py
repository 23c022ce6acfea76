"""A subscription is charged once, when it starts, and holds its permit for concurrent operations until it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

import strawberry

from matapalo.auth.viewer import Viewer
from matapalo.execution.run import SchemaExecutor
from matapalo.operations.document import Documents
from matapalo.operations.limits import DocumentLimits
from matapalo.ratelimit.charge import OperationCharge
from matapalo.ratelimit.cost.operations import Costs
from matapalo.ratelimit.extension import RateLimits
from matapalo.ratelimit.limiter import Limiter
from tests.harness.limits import memory_limiter
from tests.harness.limits_policies import remaining


@strawberry.type
class Query:
    @strawberry.field
    async def slow(self) -> str | None:
        await asyncio.Event().wait()
        return None


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self) -> AsyncIterator[int]:
        for number in range(3):
            yield number
        await asyncio.Event().wait()

    @strawberry.subscription
    async def broken(self) -> AsyncIterator[int]:
        raise ValueError("before its first event")
        yield 0


@dataclass(frozen=True)
class Request:
    client_ip: str = "203.0.113.9"


@dataclass
class Context:
    viewer: Viewer = field(default_factory=lambda: Viewer("cust_0001", tier="free"))
    request: Request = field(default_factory=Request)
    charge: OperationCharge | None = field(default_factory=OperationCharge)
    response_headers: dict[str, str] = field(default_factory=dict)


class Harness:
    """A schema behind a limiter in memory."""

    def __init__(self) -> None:
        self.limiter: Limiter = memory_limiter()
        schema = strawberry.Schema(query=Query, subscription=Subscription)
        RateLimits(self.limiter, Costs(schema)).install(schema)
        self._documents = Documents(schema, DocumentLimits())
        self._executor = SchemaExecutor(schema)

    def subscribe(self, source: str, context: Context | None = None) -> Any:
        """The results, to be closed."""
        operation = self._documents.find(source, None)
        return aclosing(cast(Any, self._executor.subscribe(operation, {}, {}, context or Context())))

    async def query(self, source: str, timeout_s: float) -> Any:
        operation = self._documents.find(source, None)
        return await self._executor.execute(operation, {}, {}, Context(), timeout_s=timeout_s)

    async def remaining(self, name: str) -> int:
        """How much of a policy of the free customer is left."""
        await self.limiter.drain()
        states = await self.limiter.state("user:cust_0001", "free")
        return remaining(states)[name]


async def test_it_holds_its_permit_while_it_is_open() -> None:
    harness = Harness()
    async with harness.subscribe("subscription { ticks }") as results:
        assert (await anext(results)).data == {"ticks": 0}
        assert (await harness.remaining("concurrency"), await harness.remaining("minute")) == (4, 9)
        assert (await anext(results)).data == {"ticks": 1}
        assert (await harness.remaining("concurrency"), await harness.remaining("minute")) == (4, 9)
    assert (await harness.remaining("concurrency"), await harness.remaining("minute")) == (5, 9)


async def test_its_cost_is_told_once() -> None:
    async with Harness().subscribe("subscription { ticks }") as results:
        assert (await anext(results)).extensions["cost"]["requestedQueryCost"] == 0
        assert (await anext(results)).extensions is None


async def test_one_that_breaks_gives_its_permit_back() -> None:
    harness = Harness()
    async with harness.subscribe("subscription { broken }") as results:
        assert [result.errors is not None async for result in results] == [True]
    assert await harness.remaining("concurrency") == 5


async def test_one_too_many_never_starts() -> None:
    harness = Harness()
    streams = [harness.subscribe("subscription { ticks }") for _ in range(5)]
    for stream in streams:
        await anext(await stream.__aenter__())
    context = Context()
    async with harness.subscribe("subscription { ticks }", context) as results:
        (denied,) = [result async for result in results]
    assert denied.errors[0].original_error.code == "CONCURRENCY_LIMITED"
    assert context.charge is not None
    assert context.charge.decided.is_set()
    assert "ratelimit" in context.response_headers
    for stream in streams:
        await stream.__aexit__(None, None, None)
    assert await harness.remaining("concurrency") == 5


async def test_a_query_past_its_deadline_gives_its_permit_back() -> None:
    harness = Harness()
    result = await harness.query("{ slow }", timeout_s=0.01)
    assert result.errors is not None
    assert await harness.remaining("concurrency") == 5
