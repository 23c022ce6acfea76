"""The store of the routes: the same claims about Valkey and about the fake that other tests use."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.errors import InvalidRoutes, StoreConflict, StoreUnavailable
from gateway.store.routes import KEY, RouteStore, connect
from tests.gateway.builders import a_document
from tests.gateway.fakes import FakeStore
from tests.support.ports import free_port


@pytest_asyncio.fixture(params=["fake", pytest.param("valkey", marks=pytest.mark.stack)])
async def store(request: pytest.FixtureRequest) -> "AsyncIterator[RouteStore | FakeStore]":
    if request.param == "fake":
        yield FakeStore()
        return
    redis = connect(request.getfixturevalue("valkey_url"))
    await redis.delete(KEY)
    real = RouteStore(redis)
    yield real
    await real.close()


async def test_an_empty_store_has_no_document(store):
    assert await store.read() is None


async def test_what_was_written_is_read(store):
    await store.replace(a_document(1))
    await store.replace(a_document(2))
    assert await store.read() == a_document(2)


@pytest.mark.parametrize("version", [1, 2, 4])
async def test_only_the_next_version_replaces_a_version(store, version):
    await store.replace(a_document(1))
    await store.replace(a_document(2))
    with pytest.raises(StoreConflict, match=r"at version 2, not \d: read them again"):
        await store.replace(a_document(version))
    assert await store.read() == a_document(2)


async def test_of_many_writers_of_one_version_one_wins(store):
    writes = [store.replace(a_document(1)) for _ in range(10)]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType"] + ["StoreConflict"] * 9


async def test_an_offer_fills_an_empty_store_at_its_own_version(store):
    assert await store.offer(a_document(7))
    assert await store.read() == a_document(7)
    await store.replace(a_document(8))


async def test_the_highest_offer_wins(store):
    assert await store.offer(a_document(5))
    assert not await store.offer(a_document(4))
    assert not await store.offer(a_document(5))
    assert await store.offer(a_document(6))
    assert await store.read() == a_document(6)


async def test_a_write_ends_the_waiting(store):
    await store.wait_for_change(0.01)  # the first wait may only subscribe
    await store.wait_for_change(0.01)
    waiting = asyncio.create_task(_until_version(store, 1))
    await store.replace(a_document(1))
    await asyncio.wait_for(waiting, timeout=5)


async def _until_version(store, version):
    while (document := await store.read()) is None or document.version < version:
        await store.wait_for_change(60)


@pytest.mark.stack
async def test_a_document_nobody_can_read_is_told_apart_from_none(valkey_url):
    redis = connect(valkey_url)
    await redis.hset(KEY, mapping={"version": "3", "document": json.dumps({"version": 3})})
    store = RouteStore(redis)
    with pytest.raises(InvalidRoutes):
        await store.read()
    await redis.delete(KEY)
    await store.close()


async def test_without_redis_every_question_says_so():
    store = RouteStore(connect(f"redis://127.0.0.1:{free_port()}/0"))
    for question in (store.read(), store.replace(a_document(1)), store.offer(a_document(1)), store.wait_for_change(1)):
        with pytest.raises(StoreUnavailable, match="Redis does not answer"):
            await question
    await store.close()
