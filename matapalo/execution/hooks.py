"""The hooks of schema extensions as context managers, made once for each class instead of once for each request.

Strawberry wraps every hook anew for every operation, which costs more than most hooks do; what is accepted and in which
order it runs is the same (tests/matapalo/execution/test_run.py holds the two together): a generator or an async
generator
that yields once, or a function or coroutine function that runs before.
"""

import inspect
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, Literal

from strawberry.extensions import SchemaExtension

Stage = Literal["on_operation", "on_execute"]


class Hooks:
    """The hooks of the extension classes that were seen."""

    def __init__(self) -> None:
        self._known: dict[tuple[type[SchemaExtension], Stage], tuple[Any, bool] | None] = {}

    async def enter(self, stack: AsyncExitStack, stage: Stage, extensions: Iterable[SchemaExtension]) -> None:
        """Run the first part of each extension's hook; ``stack`` runs the second, the last extension first."""
        for extension in extensions:
            kind = type(extension)
            key = (kind, stage)
            if key not in self._known:
                self._known[key] = _managed(kind, stage)
            found = self._known[key]
            if found is None:
                continue
            make, is_async = found
            if is_async:
                await stack.enter_async_context(make(extension))
            else:
                stack.enter_context(make(extension))


def _managed(kind: type[SchemaExtension], stage: Stage) -> tuple[Any, bool] | None:
    """What makes a context manager of an instance, and whether it is an async one."""
    hook: Any = getattr(kind, stage)
    if hook is getattr(SchemaExtension, stage):
        return None
    if inspect.isasyncgenfunction(hook):
        return asynccontextmanager(hook), True
    if inspect.isgeneratorfunction(hook):
        return contextmanager(hook), False
    if inspect.iscoroutinefunction(hook):
        return asynccontextmanager(_before(hook)), True
    return contextmanager(_before_sync(hook)), False


def _before(hook: Any) -> Any:
    async def run(extension: SchemaExtension) -> AsyncIterator[None]:
        await hook(extension)
        yield

    return run


def _before_sync(hook: Any) -> Any:
    def run(extension: SchemaExtension) -> Iterator[None]:
        hook(extension)
        yield

    return run
