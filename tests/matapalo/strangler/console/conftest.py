"""A busy gateway, and an operator who looks at it with and without a session."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from tests.matapalo.strangler.console.scene import Gateway, sign_in


@pytest_asyncio.fixture
async def gateway() -> Gateway:
    """Everything there is to show."""
    return await Gateway.busy()


@pytest_asyncio.fixture
async def visitor(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a session."""
    async with gateway.browser() as http:
        yield http


@pytest_asyncio.fixture
async def operator(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who is signed in."""
    async with gateway.browser() as http:
        await sign_in(http)
        yield http
