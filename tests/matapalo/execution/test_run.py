"""The executor says what Strawberry's own `Schema.execute` says, without parsing and validating again."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import pytest
import strawberry
from graphql import ExecutionResult, GraphQLError
from strawberry.extensions import SchemaExtension

from matapalo.errors import BffError, Overloaded, UpstreamTimeout
from matapalo.execution.run import SchemaExecutor
from matapalo.operations.document import Documents, Operation
from matapalo.operations.limits import DocumentLimits

NO_TIME = 0.01
PLENTY = 5.0


@strawberry.type
class Query:
    @strawberry.field
    async def greeting(self, name: str = "you") -> str:
        return f"hello {name}"

    @strawberry.field
    def extension(self, info: strawberry.Info) -> str:
        return str(info.input_extensions)

    @strawberry.field
    def broken(self) -> str | None:
        raise ValueError("broken")

    @strawberry.field
    async def orphaned(self) -> str | None:
        abandoned: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        abandoned.cancel()
        return await abandoned

    @strawberry.field
    async def slow(self) -> str | None:
        await asyncio.Event().wait()
        return None


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def write(self, info: strawberry.Info, text: str) -> str:
        info.context.append(text)
        await asyncio.sleep(0)
        return ",".join(info.context)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int) -> AsyncIterator[int]:
        for number in range(to):
            yield number

    @strawberry.subscription
    async def breaks(self) -> AsyncIterator[int]:
        yield 0
        raise ValueError("broken")


class Tells(SchemaExtension):
    """Adds to every result which hooks have run."""

    def __init__(self) -> None:
        self.hooks: list[str] = []

    async def on_operation(self) -> AsyncIterator[None]:
        self.hooks.append(f"operation {self.execution_context.operation_name}")
        yield
        self.hooks.append("operation ends")

    def on_execute(self) -> Iterator[None]:
        self.hooks.append(f"execute {self.execution_context.operation_type.value}")
        yield
        self.hooks.append(f"result {getattr(self.execution_context.result, 'data', None)}")

    def get_results(self) -> dict[str, Any]:
        return {"hooks": list(self.hooks)}


class Shouts(SchemaExtension):
    """Wraps every resolver of the schema."""

    async def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
        value = _next(root, info, *args, **kwargs)
        value = await value if asyncio.iscoroutine(value) else value
        return value.upper() if isinstance(value, str) else value


class Replaces(SchemaExtension):
    """Answers without executing, like a replayed mutation."""

    def on_execute(self) -> Iterator[None]:
        self.execution_context.result = ExecutionResult(data={"greeting": "replayed"}, errors=None)
        yield


class Refuses(SchemaExtension):
    """Refuses before anything runs, like a rate limit."""

    async def on_operation(self) -> AsyncIterator[None]:
        raise Overloaded("too much", retry_after_s=3.0)
        yield


class RefusesInGraphQL(SchemaExtension):
    """Refuses with an error that carries its code."""

    def on_execute(self) -> Iterator[None]:
        raise GraphQLError("no", extensions={"code": "FORBIDDEN"})
        yield


class Remembers(SchemaExtension):
    """Hooks that are no generators: they run before."""

    def __init__(self) -> None:
        self.hooks: list[str] = []

    def on_operation(self) -> None:  # type: ignore[override]
        self.hooks.append("operation")

    async def on_execute(self) -> None:  # type: ignore[override]
        self.hooks.append("execute")

    def get_results(self) -> dict[str, Any]:
        return {"remembered": list(self.hooks)}


def schema_with(*extensions: type[SchemaExtension]) -> strawberry.Schema:
    return strawberry.Schema(query=Query, mutation=Mutation, subscription=Subscription, extensions=extensions)


def found(schema: strawberry.Schema, source: str) -> Operation:
    return Documents(schema, DocumentLimits(introspection=True)).find(source, None)


def comparable(result: Any) -> dict[str, Any]:
    errors = [(error.message, error.path, error.extensions) for error in result.errors or []]
    return {"data": result.data, "errors": errors, "extensions": result.extensions or {}}


EXTENSIONS: list[tuple[type[SchemaExtension], ...]] = [
    (),
    (Tells,),
    (Shouts,),
    (Tells, Shouts),
    (Tells, Replaces),
    (Tells, Refuses),
    (Refuses, Tells),
    (Tells, RefusesInGraphQL),
    (Remembers,),
    (Tells, Remembers),
]
SOURCES: list[tuple[str, dict[str, Any]]] = [
    ("query Q ($n: String) { greeting(name: $n) }", {"n": "Ana"}),
    ("query Q ($n: String!) { greeting(name: $n) }", {"n": 5}),
    ("{ greeting broken }", {}),
    ("{ __typename extension }", {}),
    ('mutation { a: write(text: "a") b: write(text: "b") }', {}),
    ("{ __schema { queryType { name } } }", {}),
]


@pytest.mark.parametrize("extensions", EXTENSIONS)
@pytest.mark.parametrize(("source", "variables"), SOURCES)
async def test_a_result_is_that_of_strawberry(
    extensions: tuple[type[SchemaExtension], ...], source: str, variables: dict[str, Any]
) -> None:
    schema = schema_with(*extensions)
    sent = {"from": "client"}
    operation = found(schema, source)
    theirs = await schema.execute(source, variables, [], operation_name=operation.name, operation_extensions=sent)
    ours = await SchemaExecutor(schema).execute(operation, variables, sent, [], timeout_s=PLENTY)
    assert comparable(ours) == comparable(theirs)


@pytest.mark.parametrize("extensions", [(), (Tells,)])
async def test_what_passes_its_time_is_an_upstream_timeout(extensions: tuple[type[SchemaExtension], ...]) -> None:
    schema = schema_with(*extensions)
    result = await SchemaExecutor(schema).execute(found(schema, "{ slow }"), {}, {}, [], timeout_s=NO_TIME)
    assert result.data is None
    assert result.errors is not None
    assert isinstance(result.errors[0].original_error, UpstreamTimeout)


async def test_a_cancelled_operation_is_cancelled() -> None:
    schema = schema_with()
    running = asyncio.create_task(
        SchemaExecutor(schema).execute(found(schema, "{ slow }"), {}, {}, [], timeout_s=PLENTY)
    )
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize("extensions", [(), (Tells,)])
async def test_waiting_for_what_is_cancelled_is_an_upstream_timeout(
    extensions: tuple[type[SchemaExtension], ...],
) -> None:
    schema = schema_with(*extensions)
    result = await SchemaExecutor(schema).execute(found(schema, "{ orphaned }"), {}, {}, [], timeout_s=PLENTY)
    assert result.errors is not None
    assert isinstance(result.errors[0].original_error, UpstreamTimeout)


async def test_the_error_of_a_refusal_is_the_one_the_extension_raised() -> None:
    schema = schema_with(Refuses)
    result = await SchemaExecutor(schema).execute(found(schema, "{ greeting }"), {}, {}, [], timeout_s=PLENTY)
    assert result.errors is not None
    cause = result.errors[0].original_error
    assert isinstance(cause, BffError)
    assert cause.retry_after_s == 3.0


async def streamed(schema: strawberry.Schema, source: str) -> list[dict[str, Any]]:
    stream: Any = SchemaExecutor(schema).subscribe(found(schema, source), {}, {}, [])
    async with aclosing(stream):
        return [comparable(result) async for result in stream]


@pytest.mark.parametrize("extensions", EXTENSIONS)
@pytest.mark.parametrize("source", ["subscription { count(to: 2) }", "subscription { breaks }"])
async def test_a_stream_is_that_of_strawberry(extensions: tuple[type[SchemaExtension], ...], source: str) -> None:
    if Replaces in extensions or Refuses in extensions:
        extensions = (Tells,)
    schema = schema_with(*extensions)
    theirs = [comparable(result) async for result in await schema.stream(source, {}, [])]
    ours = await streamed(schema, source)
    assert [each["data"] for each in ours] == [each["data"] for each in theirs]
    assert [[error[0] for error in each["errors"]] for each in ours] == [
        [error[0] for error in each["errors"]] for each in theirs
    ]


async def test_a_refused_stream_is_one_result() -> None:
    (only,) = await streamed(schema_with(Refuses), "subscription { count(to: 2) }")
    assert (only["data"], only["errors"][0][0]) == (None, "too much")


async def test_closing_a_stream_ends_its_generator() -> None:
    ended: list[str] = []

    @strawberry.type
    class Forever:
        @strawberry.subscription
        async def ticks(self) -> AsyncIterator[int]:
            try:
                while True:
                    yield 0
            finally:
                ended.append("ticks")

    schema = strawberry.Schema(query=Query, subscription=Forever)
    stream: Any = SchemaExecutor(schema).subscribe(found(schema, "subscription { ticks }"), {}, {}, [])
    async with aclosing(stream):
        assert (await anext(stream)).data == {"ticks": 0}
    assert ended == ["ticks"]
