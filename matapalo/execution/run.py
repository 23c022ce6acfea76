"""Runs a validated operation on a Strawberry schema: our executor (`levels`) inside the schema's extensions.

What `Schema.execute` does without parsing and validating again, and without its cost when the schema has no extensions
(tests/matapalo/execution/test_run.py holds the two together). ``on_operation``, ``on_execute``, ``on_stream_result``,
``resolve`` and ``get_results`` of the extensions run; ``on_parse`` and ``on_validate`` do not, since nothing is parsed
or validated here. Errors are in the results and nothing is logged: `matapalo.graphql.errors` does that.

What passes its timeout, or waits for something that is cancelled, becomes an `UpstreamTimeout` in the result. Raises
nothing but the `CancelledError` of its own task.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, aclosing
from typing import Any, cast

from graphql import ExecutionResult, GraphQLError, MiddlewareManager, execute, subscribe
from strawberry import Schema
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionContext
from strawberry.types.graphql import OperationType

from matapalo.errors import UpstreamTimeout
from matapalo.execution.hooks import Hooks
from matapalo.execution.levels import LevelExecutor, Reason
from matapalo.graphql_core import SchemaExtensionsRunner, await_maybe, core_schema, optimized_is_awaitable
from matapalo.operations.document import Operation

_ALL_KINDS = frozenset(OperationType)


class SchemaExecutor:
    """Runs the operations of one schema. ``hide_suggestions``: coercion errors name no other fields.

    ``count_fallback`` is told why rows were executed by graphql-core after all.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        hide_suggestions: bool = False,
        count_fallback: Callable[[Reason], None] = LevelExecutor.count_fallback,
    ) -> None:
        self._schema = schema
        self._core = core_schema(schema)
        self._has_extensions = bool(schema.extensions or schema.directives)
        self._hide_suggestions = hide_suggestions
        self._hooks = Hooks()
        # graphql-core makes an executor for each operation from a class, which therefore carries what all share.
        self._executor_class = type("LevelExecutor", (LevelExecutor,), {"count_fallback": staticmethod(count_fallback)})

    async def execute(
        self,
        operation: Operation,
        variables: Mapping[str, Any],
        extensions: Mapping[str, Any],
        context: Any,
        *,
        timeout_s: float,
    ) -> ExecutionResult:
        """The result of a query or a mutation."""
        try:
            if self._has_extensions:
                async with asyncio.timeout(timeout_s):
                    return await self._inside_extensions(operation, variables, extensions, context)
            result = self._start(execute, operation, variables, extensions, context, None)
            if isinstance(result, ExecutionResult):
                return result
            async with asyncio.timeout(timeout_s):
                return cast(ExecutionResult, await result)
        except TimeoutError:
            return _failed(UpstreamTimeout("The deadline passed before the operation had a result"))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return _failed(UpstreamTimeout("Something that the operation waited for was cancelled"))
        except Exception as error:  # a bug in ours: the resolvers' exceptions are in the result
            return _failed(error)

    async def subscribe(
        self, operation: Operation, variables: Mapping[str, Any], extensions: Mapping[str, Any], context: Any
    ) -> AsyncIterator[ExecutionResult]:
        """The results of a subscription; one result when its stream cannot begin. Close it to end the subscription."""
        runner, middleware = self._prepare(operation, variables, extensions, context)
        try:
            async with AsyncExitStack() as stack:
                await self._hooks.enter(stack, "on_operation", runner.extensions)
                async with AsyncExitStack() as starting:
                    await self._hooks.enter(starting, "on_execute", runner.extensions)
                    source: Any = runner.execution_context.result  # set by an extension that refuses
                    if source is None:
                        source = await await_maybe(
                            self._start(subscribe, operation, variables, extensions, context, middleware)
                        )
                if isinstance(source, ExecutionResult):
                    yield await _finished(runner, source)
                    return
                async with aclosing(source):
                    async for event in source:
                        result = await _finished(runner, event)
                        async with runner.on_stream_result(cast(Any, result)):
                            yield result
        except Exception as error:  # raised by an extension, or by the stream itself
            yield _failed(error)

    async def _inside_extensions(
        self, operation: Operation, variables: Mapping[str, Any], extensions: Mapping[str, Any], context: Any
    ) -> ExecutionResult:
        runner, middleware = self._prepare(operation, variables, extensions, context)
        execution = runner.execution_context
        try:
            async with AsyncExitStack() as stack:
                await self._hooks.enter(stack, "on_operation", runner.extensions)
                await self._hooks.enter(stack, "on_execute", runner.extensions)
                if execution.result is None:
                    execution.result = await await_maybe(
                        self._start(execute, operation, variables, extensions, context, middleware)
                    )
                result = cast(ExecutionResult, execution.result)
                execution.pre_execution_errors = result.errors
        except TimeoutError:
            raise
        except Exception as error:  # raised by an extension: a refusal, or a bug
            result = _failed(error)
        return await _finished(runner, result)

    def _prepare(
        self, operation: Operation, variables: Mapping[str, Any], extensions: Mapping[str, Any], context: Any
    ) -> tuple[SchemaExtensionsRunner, MiddlewareManager]:
        execution = ExecutionContext(
            query=operation.source,
            schema=self._schema,
            allowed_operations=_ALL_KINDS,
            context=context,
            variables=dict(variables),
            provided_operation_name=operation.name,
            operation_extensions=dict(extensions),
        )
        execution.graphql_document = operation.document
        instances = self._schema.get_extensions()
        for instance in instances:
            instance.execution_context = execution
        resolving = [extension for extension in instances if type(extension).resolve is not SchemaExtension.resolve]
        return SchemaExtensionsRunner(execution, instances), MiddlewareManager(*resolving)

    def _start(
        self,
        run: Any,
        operation: Operation,
        variables: Mapping[str, Any],
        extensions: Mapping[str, Any],
        context: Any,
        middleware: MiddlewareManager | None,
    ) -> Any | Awaitable[Any]:
        """Call graphql-core's ``execute`` or ``subscribe``."""
        return run(
            self._core,
            operation.document,
            context_value=context,
            variable_values=variables,
            operation_name=operation.name,
            middleware=middleware,
            is_awaitable=optimized_is_awaitable,
            executor_class=self._executor_class,
            hide_suggestions=self._hide_suggestions,
            operation_extensions=extensions,
        )


async def _finished(runner: SchemaExtensionsRunner, result: Any) -> ExecutionResult:
    """``result`` with what the extensions add to it."""
    added = await runner.get_extensions_results(runner.execution_context)
    finished = ExecutionResult(result.data, result.errors, added or None)
    runner.execution_context.result = finished
    return finished


def _failed(error: Exception) -> ExecutionResult:
    wrapped = error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)
    return ExecutionResult(data=None, errors=[wrapped])
