"""A busy console, and an operator who looks at it with and without a session."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from tests.matapalo.strangler.console.harness import busy_console, sign_in
from tests.matapalo.strangler.harness import Harness


@pytest_asyncio.fixture
async def harness() -> Harness:
    """Everything there is to show."""
    return await busy_console()


@pytest_asyncio.fixture
async def visitor(harness: Harness) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a session."""
    async with harness.browser() as http:
        yield http


@pytest_asyncio.fixture
async def operator(harness: Harness) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is signed in."""
    async with harness.browser() as http:
        await sign_in(http)
        yield http
