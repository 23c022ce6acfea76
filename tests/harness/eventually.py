"""Waiting for a condition with a deadline: the only waiting tests do. Times are seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")
STEP_S = 0.02


@overload
async def eventually(check: Callable[[], Awaitable[T]], *, deadline_s: float = ..., message: str = ...) -> T: ...
@overload
async def eventually(check: Callable[[], T], *, deadline_s: float = ..., message: str = ...) -> T: ...
async def eventually(check: Callable[[], Awaitable[T] | T], *, deadline_s: float = 10.0, message: str = "") -> T:
    """The first true value of ``check`` (plain or async); AssertionError with ``message`` when the deadline passes."""
    last = time.monotonic() + deadline_s
    while True:
        outcome = check()
        value = await outcome if isinstance(outcome, Awaitable) else outcome
        if value:
            return value
        if time.monotonic() > last:
            raise AssertionError(_sentence(message, check, deadline_s))
        await asyncio.sleep(STEP_S)


def eventually_sync(check: Callable[[], T], *, deadline_s: float = 10.0, message: str = "") -> T:
    """The twin of ``eventually`` for tests without an event loop."""
    last = time.monotonic() + deadline_s
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > last:
            raise AssertionError(_sentence(message, check, deadline_s))
        time.sleep(STEP_S)


def _sentence(message: str, check: object, deadline_s: float) -> str:
    return f"{message or getattr(check, '__name__', 'the condition')}: not within {deadline_s:g} s"
