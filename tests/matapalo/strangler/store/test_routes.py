"""The store of the routes: the same claims about Valkey and about the fake that other tests use."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from msgspec import structs

from matapalo.strangler.errors import InvalidRoutes, RedisUnavailable, StoreConflict
from matapalo.strangler.routing.change import Action, Change
from matapalo.strangler.store.routes import AGENTS, HISTORY, KEY, NodeReport, RouteStore, connect
from tests.harness.ports import free_port
from tests.matapalo.strangler.builders import a_document, a_route
from tests.matapalo.strangler.fakes import FakeRouteStore


@pytest_asyncio.fixture(params=["fake", pytest.param("valkey", marks=pytest.mark.stack)])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[RouteStore]:
    if request.param == "fake":
        yield FakeRouteStore()
        return
    redis = connect(request.getfixturevalue("valkey_url"))
    await redis.delete(KEY, HISTORY, AGENTS)
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
async def test_an_unreadable_document_is_an_error_and_not_none(valkey_url):
    redis = connect(valkey_url)
    await redis.hset(KEY, mapping={"version": "3", "document": json.dumps({"version": 3})})
    store = RouteStore(redis)
    with pytest.raises(InvalidRoutes):
        await store.read()
    await redis.delete(KEY)
    await store.close()


async def test_without_redis_every_call_says_so():
    store = RouteStore(connect(f"redis://127.0.0.1:{free_port()}/0"))
    for call in (store.read(), store.replace(a_document(1)), store.offer(a_document(1)), store.wait_for_change(1)):
        with pytest.raises(RedisUnavailable, match="Redis does not answer"):
            await call
    await store.close()


def a_change(version, route="orders"):
    return Change(
        version=version,
        route=route,
        action=Action.SET,
        at=datetime(2026, 1, 1, tzinfo=UTC),
        by="op_1",
        why=f"version {version}",
        before=a_route(route),
        after=a_route(route, share_bp=version),
        evidence={"p": 0.5},
    )


async def test_a_change_is_in_the_history_with_the_version_it_made(store):
    for version in range(1, 6):
        await store.replace(a_document(version), a_change(version, "orders" if version % 2 else "customers"))
    assert [change.version for change in await store.history()] == [5, 4, 3, 2, 1]
    assert await store.history("customers") == [a_change(4, "customers"), a_change(2, "customers")]
    assert [change.version for change in await store.history(limit=2, before=5)] == [4, 3]
    assert [change.version for change in await store.history(after=3)] == [5, 4]


async def test_a_change_that_lost_the_race_is_not_in_the_history(store):
    await store.replace(a_document(1), a_change(1))
    with pytest.raises(StoreConflict):
        await store.replace(a_document(1), a_change(1))
    assert await store.history() == [a_change(1)]


async def test_an_offer_extends_the_history_and_rewrites_nothing(store):
    await store.replace(a_document(1), a_change(1, "customers"))
    assert await store.offer(a_document(3), a_change(1), a_change(2), a_change(3))
    assert await store.history() == [a_change(3), a_change(2), a_change(1, "customers")]


async def test_a_report_replaces_the_one_before(store):
    report = NodeReport(node="edge-1", version=1, is_live=True, at=datetime(2026, 1, 1, tzinfo=UTC))
    await store.report(report)
    await store.report(structs.replace(report, version=2))
    await store.report(structs.replace(report, node="edge-0"))
    assert [(report.node, report.version) for report in await store.reports()] == [("edge-0", 1), ("edge-1", 2)]
    await store.forget("edge-0")
    assert [report.node for report in await store.reports()] == ["edge-1"]
