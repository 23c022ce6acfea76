"""Owners that die, sleep or outlive their lease; a store that is away, forgets or cannot be read."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from matapalo.errors import BadUserInput, IdempotencyInProgress, IdempotencyOutcomeUnknown, IdempotencyStoreUnavailable
from matapalo.idempotency import cipher
from matapalo.idempotency.claim import Claim
from matapalo.idempotency.records import StoreUnavailable
from matapalo.idempotency.runner import LEASE, RETENTION, HeldKeys, Idempotency, Mutation, Result
from tests.harness.clock import FakeClock
from tests.harness.eventually import eventually
from tests.harness.records import MemoryRecords

OLD, NEW = "a secret that signed until today, long", "a secret that signs from today on, long"
STEP = ("begin", "heartbeat", "complete", "release", "suspend", "is_held", "exists")


class FlakyRecords(MemoryRecords):
    """Records whose store is ``away`` for some steps, named there."""

    def __init__(self, clock: FakeClock, *, lease: timedelta = LEASE) -> None:
        super().__init__(clock, lease=lease, retention=RETENTION)
        self.away: set[str] = set()
        self.beats = 0

    async def heartbeat(self, record_id: str, fence: int) -> bool:
        self._fail_if_away("heartbeat")
        self.beats += 1
        return await super().heartbeat(record_id, fence)

    async def begin(self, record_id: str, **how: Any) -> Any:
        self._fail_if_away("begin")
        return await super().begin(record_id, **how)

    async def complete(self, record_id: str, fence: int, result: bytes) -> bool:
        self._fail_if_away("complete")
        return await super().complete(record_id, fence, result)

    async def release(self, record_id: str, fence: int) -> bool:
        self._fail_if_away("release")
        return await super().release(record_id, fence)

    async def is_held(self, record_id: str) -> bool:
        self._fail_if_away("is_held")
        return await super().is_held(record_id)

    def _fail_if_away(self, step: str) -> None:
        if step in self.away:
            raise StoreUnavailable(f"{step}: the store is away")


class Harness:
    """Two processes, one store, one service that knows its keys."""

    def __init__(self, *, lease: timedelta = LEASE, secrets: tuple[str, ...] = (NEW,)) -> None:
        self.clock = FakeClock()
        self.records = FlakyRecords(self.clock, lease=lease)
        self.lease = lease
        self.observed: list[str] = []
        self.runs = 0
        self.effects: set[str] = set()
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.mine, self.other = self.process(secrets), self.process(secrets)

    def process(self, secrets: tuple[str, ...]) -> Idempotency:
        return Idempotency(
            self.records,
            client="web",
            secrets=secrets,
            lease=self.lease,
            wait=timedelta(milliseconds=50),
            observe=lambda _field, outcome: self.observed.append(outcome),
        )

    async def pay(
        self, process: Idempotency | None = None, *, is_safe_to_rerun: bool = True, outcome: str = "paid"
    ) -> Result:
        process = process or self.mine
        claim = process.claim(field="pay", subject="ana", key="k", fingerprint="00" * 32)

        async def run(claim: Claim) -> Result:
            self.runs += 1
            self.entered.set()
            await self.gate.wait()
            effect = claim.derived("x")
            replayed = effect in self.effects
            self.effects.add(effect)
            return Result(outcome, replayed)

        async def unpack(packed: bytes) -> str:
            return packed.decode()

        return await process.run_idempotent(claim, Mutation(run, str.encode, unpack, is_safe_to_rerun))

    async def die(self, *, after_effect: bool) -> None:
        """The other process begins and never completes."""
        claim = self.other.claim(field="pay", subject="ana", key="k", fingerprint="00" * 32)
        await self.records.begin(claim.record_id, fingerprint=claim.fingerprint, resumes=True)
        if after_effect:
            self.effects.add(claim.derived("x"))


@pytest.mark.parametrize("after_effect", [False, True])
async def test_a_dead_owner_is_succeeded_when_its_lease_is_over(after_effect: bool):
    harness = Harness()
    await harness.die(after_effect=after_effect)
    with pytest.raises(IdempotencyInProgress):
        await harness.pay()
    harness.clock.advance(LEASE.total_seconds())
    result = await harness.pay()
    assert (result.attempt, result.replayed, len(harness.effects)) == (2, after_effect, 1)
    assert (await harness.pay()).replayed


async def test_a_dead_owner_of_an_unsafe_mutation_leaves_it_unknown():
    harness = Harness()
    await harness.die(after_effect=True)
    harness.clock.advance(LEASE.total_seconds())
    for _ in range(2):
        with pytest.raises(IdempotencyOutcomeUnknown):
            await harness.pay(is_safe_to_rerun=False)
    assert harness.runs == 0


async def test_an_owner_past_its_lease_returns_its_successors_result():
    harness = Harness()
    harness.gate.clear()
    sleeper = asyncio.create_task(harness.pay(harness.mine, outcome="the sleeper's"))
    await harness.entered.wait()
    harness.clock.advance(LEASE.total_seconds())
    harness.entered.clear()
    successor = asyncio.create_task(harness.pay(harness.other, outcome="the successor's"))
    await harness.entered.wait()
    harness.gate.set()
    assert {(await sleeper).outcome, (await successor).outcome} == {"the successor's"}
    assert len(harness.effects) == 1


async def test_an_owner_that_takes_long_keeps_its_lease():
    harness = Harness(lease=timedelta(milliseconds=60))
    harness.gate.clear()
    slow = asyncio.create_task(harness.pay())
    await eventually(lambda: harness.records.beats >= 2, message="the lease is renewed twice")
    harness.gate.set()
    assert (await slow).attempt == 1
    await eventually(
        lambda: asyncio.all_tasks() == {asyncio.current_task()}, message="nothing is left that would renew it"
    )


async def test_without_the_store_only_what_is_safe_to_rerun_runs():
    harness = Harness()
    harness.records.away = set(STEP)
    first, again = await harness.pay(), await harness.pay()
    assert (first.degraded, first.replayed, again.replayed) == (True, False, True)
    with pytest.raises(IdempotencyStoreUnavailable) as refused:
        await harness.pay(is_safe_to_rerun=False)
    assert refused.value.retry_after_s == 1.0
    assert len(harness.effects) == 1


async def test_a_result_that_cannot_be_stored_is_returned_and_rerun():
    harness = Harness()
    harness.records.away = {"complete"}
    assert (await harness.pay()).outcome == "paid"
    harness.records.away = set()
    with pytest.raises(IdempotencyInProgress):
        await harness.pay()
    harness.clock.advance(LEASE.total_seconds())
    assert (await harness.pay()).replayed
    assert len(harness.effects) == 1


async def test_a_store_that_lost_its_data_makes_no_second_effect():
    for is_safe_to_rerun in (True, False):
        harness = Harness()
        harness.gate.clear()
        running = asyncio.create_task(harness.pay(is_safe_to_rerun=is_safe_to_rerun))
        await harness.entered.wait()
        harness.records.stored.clear()
        harness.gate.set()
        assert (await running).outcome == "paid"
        assert (len(harness.effects), harness.runs) == (1, 2 if is_safe_to_rerun else 1)


async def test_a_failure_reaches_the_client_while_the_store_is_away():
    harness = Harness()
    harness.records.away = {"release"}
    claim = harness.mine.claim(field="pay", subject="ana", key="k", fingerprint="00" * 32)

    async def run(claim: Claim) -> Result:
        raise BadUserInput("amount: too much")

    async def unpack(packed: bytes) -> None:
        raise AssertionError

    with pytest.raises(BadUserInput):
        await harness.mine.run_idempotent(claim, Mutation(run, lambda _: b"", unpack, is_safe_to_rerun=True))


async def test_a_key_used_under_an_older_secret_is_still_the_same_key():
    harness = Harness(secrets=(OLD,))
    await harness.pay()
    rotated = harness.process((NEW, OLD))
    assert (await harness.pay(rotated)).replayed
    assert harness.runs == 1
    assert not (await harness.pay(harness.process((NEW,)))).replayed


@pytest.mark.parametrize("is_safe_to_rerun", [True, False])
async def test_a_result_too_large_to_store_is_rerun_where_that_is_safe(
    is_safe_to_rerun: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("matapalo.idempotency.runner.MAX_BYTES", 10)
    assert cipher.MAX_BYTES == 64 * 1024
    harness = Harness()
    await harness.pay(is_safe_to_rerun=is_safe_to_rerun)
    if is_safe_to_rerun:
        assert (await harness.pay()).replayed
    else:
        with pytest.raises(IdempotencyOutcomeUnknown):
            await harness.pay(is_safe_to_rerun=False)
    assert len(harness.effects) == 1


async def test_a_stored_result_of_another_version_is_rerun():
    harness = Harness()
    await harness.pay()
    ((record_id, record),) = harness.records.stored.items()
    harness.records.stored[record_id] = type(record)(
        **{name: getattr(record, name) for name in record.__slots__} | {"result": b"\x09 from the future"}
    )
    assert (await harness.pay()).replayed
    assert (harness.runs, len(harness.effects)) == (2, 1)
    with pytest.raises(IdempotencyOutcomeUnknown):
        await harness.pay(is_safe_to_rerun=False)


async def test_many_at_once_have_one_effect_and_one_result():
    harness = Harness()
    results = await asyncio.gather(*(harness.pay(process) for process in [harness.mine, harness.other] * 50))
    assert {result.outcome for result in results} == {"paid"}
    assert (harness.runs, sum(not result.replayed for result in results)) == (1, 1)


async def test_no_more_requests_wait_than_the_maximum():
    held = asyncio.Event()

    async def is_held(_record_id: str) -> bool:
        return not held.is_set()

    keys = HeldKeys(is_held, max_waiting=2)
    until_s = asyncio.get_running_loop().time() + 5
    two = [asyncio.create_task(keys.wait_until_free("record", until_s)) for _ in range(2)]
    await asyncio.sleep(0)
    assert await keys.wait_until_free("record", until_s) is False
    held.set()
    assert await asyncio.gather(*two) == [True, True]


async def test_one_poll_serves_all_requests_that_wait():
    polls = 0

    async def is_held(_record_id: str) -> bool:
        nonlocal polls
        polls += 1
        return polls < 3

    keys = HeldKeys(is_held)
    until_s = asyncio.get_running_loop().time() + 5
    assert all(await asyncio.gather(*(keys.wait_until_free("record", until_s) for _ in range(20))))
    assert polls == 3


async def test_a_stopping_process_lets_its_mutations_end():
    harness = Harness()
    harness.gate.clear()
    leaving = asyncio.create_task(harness.pay())
    await harness.entered.wait()
    leaving.cancel()
    stopping = asyncio.create_task(harness.mine.aclose())
    harness.gate.set()
    await stopping
    assert (await harness.pay(harness.other)).replayed
