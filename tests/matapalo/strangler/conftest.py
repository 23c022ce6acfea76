"""A Redis with nothing of ours in it, and a clock that stands still."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from matapalo.strangler.store.routes import connect
from tests.harness.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest_asyncio.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    redis = connect(valkey_url)
    keys = [key async for key in redis.scan_iter(match="gateway:*", count=1000)]
    if keys:
        await redis.delete(*keys)
    yield redis
    await redis.aclose()
