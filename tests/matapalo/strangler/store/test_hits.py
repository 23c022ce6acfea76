"""Legacy hits: the same claims about Valkey and about the fake that other tests use."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from matapalo.strangler.errors import RedisUnavailable
from matapalo.strangler.routing.hits import Hits, LegacyCaller
from matapalo.strangler.store.hits import MAX_CALLERS, UNNAMED, LegacyHits
from matapalo.strangler.store.routes import connect
from tests.harness.ports import free_port
from tests.matapalo.strangler.fakes import FakeLegacyHits

ERP = LegacyCaller("erp", "1.2", "curl/8")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest_asyncio.fixture(params=["fake", pytest.param("valkey", marks=pytest.mark.stack)])
async def hits(request: pytest.FixtureRequest) -> AsyncIterator[LegacyHits]:
    if request.param == "fake":
        yield FakeLegacyHits()
        return
    redis = connect(request.getfixturevalue("valkey_url").removesuffix("/0") + "/4")
    await redis.flushdb()
    yield LegacyHits(redis)
    await redis.aclose()


async def test_what_is_added_adds_up(hits: LegacyHits) -> None:
    moment = 1_764_000_000_123
    await hits.add({"orders": {ERP: Hits(2, moment, moment + 5, writes=1)}})
    await hits.add({"orders": {ERP: Hits(1, moment - 7, moment - 7, fallbacks=1), LegacyCaller(): Hits(1, 1, 1)}})
    assert await hits.of("orders") == {
        ERP: Hits(3, moment - 7, moment + 5, fallbacks=1, writes=1),
        LegacyCaller(): Hits(1, 1, 1),
    }
    assert await hits.of("products") == {}


async def test_callers_beyond_the_limit_are_counted_as_one(hits: LegacyHits) -> None:
    callers = {LegacyCaller(f"c{number}"): Hits(1, 1, 1) for number in range(MAX_CALLERS + 5)}
    await hits.add({"orders": callers})
    counts = await hits.of("orders")
    assert len(counts) == MAX_CALLERS + 1
    assert counts[UNNAMED].count == 5


async def test_counting_begins_once(hits: LegacyHits) -> None:
    assert await hits.since() is None
    await hits.begin(NOW)
    await hits.begin(NOW.replace(year=2027))
    assert await hits.since() == NOW


async def test_without_redis_every_call_says_so() -> None:
    hits = LegacyHits(connect(f"redis://127.0.0.1:{free_port()}/0"))
    for call in (hits.begin(NOW), hits.since(), hits.of("orders"), hits.add({"orders": {ERP: Hits(1, 1, 1)}})):
        with pytest.raises(RedisUnavailable):
            await call
