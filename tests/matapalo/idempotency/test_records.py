"""Records in a real Valkey: the Lua is the rule of `tests.harness.record_rule`, and what surrounds it holds."""

import asyncio
import re
import time
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.exceptions import RedisError

from matapalo.idempotency.records import SCRIPT, TIMEOUT_S, Begin, RedisRecords, StoreUnavailable
from tests.harness import record_rule as state
from tests.harness.eventually import eventually
from tests.harness.ports import free_port
from tests.harness.record_rule import Record
from tests.harness.replicas import own_redis

pytestmark = pytest.mark.stack

LEASE, RETENTION = timedelta(seconds=15), timedelta(hours=24)
LEASE_US, RETENTION_US = 15_000_000, 86_400_000_000
MINE, OTHER = "00" * 32, "01" * 32
#: The script with its clock in the hands of the test: the last argument.
WITH_CLOCK = re.sub(r"local time = .*\nlocal now = .*\n", "local now = tonumber(ARGV[#ARGV])\n", SCRIPT)


class AtTime(RedisRecords):
    """Records whose server believes the test's clock."""

    now_us = 0

    async def _run(self, record_id: str, step: str, *arguments: bytes | int) -> Any:
        return await super()._run(record_id, step, *arguments, self.now_us)


@pytest.fixture
async def records(valkey_url: str) -> AsyncIterator[RedisRecords]:
    made = RedisRecords(valkey_url, lease=LEASE, retention=RETENTION)
    yield made
    await made.aclose()


@pytest.fixture
async def valkey(valkey_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(valkey_url)
    yield client
    await client.aclose()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["begin", "begin", "other", "careful", "heartbeat", "complete", "release", "suspend"]),
        st.sampled_from([0, 1, 5_000_000, 14_000_000, 16_000_000]),
        st.integers(0, 3),
        st.binary(max_size=40),
    ),
    max_size=14,
)


@given(steps=STEPS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_script_and_the_rule_agree(valkey_url: str, steps: list[tuple[str, int, int, bytes]]):
    asyncio.run(_compare(valkey_url, steps))


async def _compare(url: str, steps: list[tuple[str, int, int, bytes]]) -> None:
    assert WITH_CLOCK != SCRIPT
    records = AtTime(url, lease=LEASE, retention=RETENTION, script=WITH_CLOCK)
    record_id, record, fences = uuid.uuid4().hex, None, [0]
    records.now_us = time.time_ns() // 1000  # keys really expire, by the server's own clock
    try:
        for step, passes_us, whose, result in steps:
            records.now_us += passes_us
            fence = fences[whose % len(fences)]
            record, expected = _by_the_rule(record, records.now_us, step, fence, result)
            actual = await _by_the_script(records, record_id, step, fence, result)
            assert actual == expected
            if isinstance(actual, Begin) and actual.fence:
                fences.append(actual.fence)
    finally:
        await records.aclose()


def _by_the_rule(
    record: Record | None, now_us: int, step: str, fence: int, result: bytes
) -> tuple[Record | None, Begin | bool]:
    match step:
        case "begin" | "other" | "careful":
            fingerprint = bytes.fromhex(OTHER if step == "other" else MINE)
            resumes = step != "careful"
            return state.begin(
                record, now_us, fingerprint=fingerprint, lease_us=LEASE_US, retention_us=RETENTION_US, resumes=resumes
            )
        case "heartbeat":
            return state.heartbeat(record, now_us, fence=fence, lease_us=LEASE_US)
        case "complete":
            return state.complete(record, now_us, fence=fence, result=result)
        case "release":
            return state.release(record, now_us, fence=fence)
    return state.suspend(record, now_us, fence=fence)


async def _by_the_script(records: RedisRecords, record_id: str, step: str, fence: int, result: bytes) -> Begin | bool:
    match step:
        case "begin" | "other" | "careful":
            fingerprint = OTHER if step == "other" else MINE
            return await records.begin(record_id, fingerprint=fingerprint, resumes=step != "careful")
        case "heartbeat":
            return await records.heartbeat(record_id, fence)
        case "complete":
            return await records.complete(record_id, fence, result)
        case "release":
            return await records.release(record_id, fence)
    return await records.suspend(record_id, fence)


async def test_a_key_expires_a_retention_after_its_first_use(records: RedisRecords, valkey: Redis):
    record_id = uuid.uuid4().hex
    begun = await records.begin(record_id, fingerprint=MINE, resumes=True)
    expires: list[int] = [await valkey.pexpiretime(f"idem:{record_id}")]
    await records.heartbeat(record_id, begun.fence)
    await records.suspend(record_id, begun.fence)
    resumed = await records.begin(record_id, fingerprint=MINE, resumes=True)
    await records.complete(record_id, resumed.fence, b"result")
    await records.begin(record_id, fingerprint=MINE, resumes=True)
    expires.append(await valkey.pexpiretime(f"idem:{record_id}"))
    assert expires[0] == expires[1]
    assert abs(expires[0] / 1000 - begun.first_at_us / 1e6 - RETENTION.total_seconds()) < 0.01
    assert resumed.kind == "resumed"


async def test_a_script_that_the_server_forgot_is_sent_again(records: RedisRecords, valkey: Redis):
    await records.begin(uuid.uuid4().hex, fingerprint=MINE, resumes=True)
    await valkey.script_flush()
    assert (await records.begin(uuid.uuid4().hex, fingerprint=MINE, resumes=True)).kind == "begun"


async def test_a_record_of_another_version_is_foreign_and_left_alone(records: RedisRecords, valkey: Redis):
    record_id = uuid.uuid4().hex
    await valkey.set(f"idem:{record_id}", b"\x09 from the future")
    assert (await records.begin(record_id, fingerprint=MINE, resumes=True)).kind == "foreign"
    assert not await records.complete(record_id, 1, b"result")
    assert not await records.is_held(record_id)
    assert await valkey.get(f"idem:{record_id}") == b"\x09 from the future"


async def test_a_key_is_held_while_it_has_an_owner(records: RedisRecords):
    record_id = uuid.uuid4().hex
    assert not await records.is_held(record_id)
    begun = await records.begin(record_id, fingerprint=MINE, resumes=True)
    assert await records.is_held(record_id)
    await records.suspend(record_id, begun.fence)
    assert not await records.is_held(record_id)


async def test_a_store_that_is_away_is_reported_at_once():
    records = RedisRecords(f"redis://127.0.0.1:{free_port()}/0", lease=LEASE, retention=RETENTION)
    async with asyncio.timeout(1):
        with pytest.raises(StoreUnavailable):
            await records.begin("record", fingerprint=MINE, resumes=True)
        with pytest.raises(StoreUnavailable):
            await records.is_held("record")
    await records.aclose()


async def test_a_store_that_is_full_is_unavailable(records: RedisRecords, valkey: Redis):
    await valkey.config_set("maxmemory", "1")
    try:
        with pytest.raises(StoreUnavailable, match="maxmemory"):
            await records.begin(uuid.uuid4().hex, fingerprint=MINE, resumes=True)
    finally:
        await valkey.config_set("maxmemory", "0")


async def test_a_record_of_a_kilobyte_takes_less_than_one_and_a_half(records: RedisRecords, valkey: Redis):
    record_id = uuid.uuid4().hex + uuid.uuid4().hex
    begun = await records.begin(record_id, fingerprint=MINE, resumes=True)
    await records.complete(record_id, begun.fence, bytes(1024))
    assert (await valkey.memory_usage(f"idem:{record_id}") or 0) in range(1024, 1537)


async def test_a_stampede_has_one_owner(records: RedisRecords):
    record_id = uuid.uuid4().hex
    begins = await asyncio.gather(*(records.begin(record_id, fingerprint=MINE, resumes=True) for _ in range(100)))
    kinds = [begun.kind for begun in begins]
    assert (kinds.count("begun"), kinds.count("busy")) == (1, 99)


async def test_a_busy_process_is_no_store_that_is_away(records: RedisRecords):
    async def occupy_the_loop() -> None:
        until_s = time.monotonic() + 1.5 * TIMEOUT_S
        while time.monotonic() < until_s:
            pass

    record_id = uuid.uuid4().hex
    begins = (records.begin(record_id, fingerprint=MINE, resumes=True) for _ in range(100))
    *begun, _ = await asyncio.gather(*begins, occupy_the_loop())  # all connections are being opened meanwhile
    assert [begin.kind for begin in begun if begin is not None].count("busy") == 99


async def test_after_a_failover_to_a_lagging_replica_owners_are_fenced(engines_dir: Path):
    with own_redis(engines_dir) as first, own_redis(engines_dir) as second:
        before, after = (RedisRecords(redis.url, lease=LEASE, retention=RETENTION) for redis in (first, second))
        primary, replica = (Redis.from_url(redis.url) for redis in (first, second))
        try:
            done, lost = uuid.uuid4().hex, uuid.uuid4().hex
            await eventually(lambda: _is_up(primary, replica), message="both start")
            begun = await before.begin(done, fingerprint=MINE, resumes=True)
            await before.complete(done, begun.fence, b"result")
            await replica.replicaof("127.0.0.1", primary.connection_pool.connection_kwargs["port"])
            await eventually(lambda: replica.exists(f"idem:{done}"), message="the replica has what is done")
            await replica.replicaof("NO", "ONE")
            owner = await before.begin(lost, fingerprint=MINE, resumes=True)

            assert (await after.begin(done, fingerprint=MINE, resumes=True)).result == b"result"
            successor = await after.begin(lost, fingerprint=MINE, resumes=True)
            assert (successor.kind, successor.fence > owner.fence) == ("begun", True)
            assert not await after.complete(lost, owner.fence, b"of the old owner")
            assert await after.complete(lost, successor.fence, b"of its successor")
        finally:
            for client in (before, after, primary, replica):
                await client.aclose()


async def _is_up(*servers: Redis) -> bool:
    try:
        return all([await server.ping() for server in servers])
    except RedisError:
        return False
