"""What goes wrong: owners that die, sleep or outlive their lease; a store that is away, forgets or cannot be read."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from matapalo.errors import BadUserInput, IdempotencyInProgress, IdempotencyOutcomeUnknown, IdempotencyStoreUnavailable
from matapalo.idempotency import sealed
from matapalo.idempotency.claim import Claim
from matapalo.idempotency.once import KEPT_FOR, LEASE, Answer, Call, Idempotency
from matapalo.idempotency.records import StoreUnavailable
from matapalo.idempotency.waiting import Waiting
from tests.harness.clock import FakeClock
from tests.harness.records import MemoryRecords
from tests.harness.waiting import eventually

OLD, NEW = "a secret that signed until today, long", "a secret that signs from today on, long"
STEP = ("begin", "heartbeat", "complete", "release", "suspend", "is_held", "exists")


class Moody(MemoryRecords):
    """Records whose store is ``away`` for some steps."""

    def __init__(self, clock: FakeClock, *, lease: timedelta = LEASE) -> None:
        super().__init__(clock, lease=lease, kept=KEPT_FOR)
        self.away: set[str] = set()
        self.beats = 0

    async def heartbeat(self, record_id: str, fence: int) -> bool:
        self._mood("heartbeat")
        self.beats += 1
        return await super().heartbeat(record_id, fence)

    async def begin(self, record_id: str, **how: Any) -> Any:
        self._mood("begin")
        return await super().begin(record_id, **how)

    async def complete(self, record_id: str, fence: int, result: bytes) -> bool:
        self._mood("complete")
        return await super().complete(record_id, fence, result)

    async def release(self, record_id: str, fence: int) -> bool:
        self._mood("release")
        return await super().release(record_id, fence)

    async def is_held(self, record_id: str) -> bool:
        self._mood("is_held")
        return await super().is_held(record_id)

    def _mood(self, step: str) -> None:
        if step in self.away:
            raise StoreUnavailable(f"{step}: the store is away")


class World:
    """Two processes, one store, one service that knows its keys."""

    def __init__(self, *, lease: timedelta = LEASE, secrets: tuple[str, ...] = (NEW,)) -> None:
        self.clock = FakeClock()
        self.records = Moody(self.clock, lease=lease)
        self.lease = lease
        self.told: list[str] = []
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
            observe=lambda _field, outcome: self.told.append(outcome),
        )

    async def pay(
        self, process: Idempotency | None = None, *, has_truth: bool = True, answer: str = "paid", key: str = "k"
    ) -> Answer:
        process = process or self.mine
        claim = process.claim(field="pay", subject="ana", key=key, fingerprint="00" * 32)

        async def run() -> str:
            self.runs += 1
            self.entered.set()
            await self.gate.wait()
            claim.answered_before = claim.derived("x") in self.effects
            self.effects.add(claim.derived("x"))
            return answer

        async def unpack(packed: bytes) -> str:
            return packed.decode()

        return await process.once(claim, Call(run, str.encode, unpack, has_truth))

    async def dies(self, *, after_effect: bool, key: str = "k") -> Claim:
        """A process that begins and is never heard of again."""
        claim = self.other.claim(field="pay", subject="ana", key=key, fingerprint="00" * 32)
        await self.records.begin(claim.record_id, fingerprint=claim.fingerprint, resumes=True)
        if after_effect:
            self.effects.add(claim.derived("x"))
        return claim


@pytest.mark.parametrize("after_effect", [False, True])
async def test_a_dead_owner_is_succeeded_when_its_lease_is_over(after_effect: bool):
    world = World()
    await world.dies(after_effect=after_effect)
    with pytest.raises(IdempotencyInProgress):
        await world.pay()
    world.clock.advance(LEASE.total_seconds())
    answer = await world.pay()
    assert (answer.attempt, answer.replayed, len(world.effects)) == (2, after_effect, 1)
    assert (await world.pay()).replayed


async def test_a_dead_owner_of_what_has_no_truth_leaves_an_unknown_outcome_for_ever():
    world = World()
    await world.dies(after_effect=True)
    world.clock.advance(LEASE.total_seconds())
    for _ in range(2):
        with pytest.raises(IdempotencyOutcomeUnknown):
            await world.pay(has_truth=False)
    assert world.runs == 0


async def test_an_owner_that_slept_past_its_lease_answers_what_its_successor_answered():
    world = World()
    world.gate.clear()
    sleeper = asyncio.create_task(world.pay(world.mine, answer="the sleeper's"))
    await world.entered.wait()
    world.clock.advance(LEASE.total_seconds())
    world.entered.clear()
    successor = asyncio.create_task(world.pay(world.other, answer="the successor's"))
    await world.entered.wait()
    world.gate.set()
    assert {(await sleeper).outcome, (await successor).outcome} == {"the successor's"}
    assert len(world.effects) == 1


async def test_an_owner_that_takes_long_keeps_its_lease():
    world = World(lease=timedelta(milliseconds=60))
    world.gate.clear()
    slow = asyncio.create_task(world.pay())
    await eventually(lambda: world.records.beats >= 2, message="the lease is renewed twice")
    world.gate.set()
    assert (await slow).attempt == 1
    await eventually(
        lambda: asyncio.all_tasks() == {asyncio.current_task()}, message="nothing is left that would renew it"
    )


async def test_the_store_away_means_degraded_where_there_is_a_truth_and_a_refusal_where_there_is_none():
    world = World()
    world.records.away = set(STEP)
    first, again = await world.pay(), await world.pay()
    assert (first.degraded, first.replayed, again.replayed) == (True, False, True)
    with pytest.raises(IdempotencyStoreUnavailable) as refused:
        await world.pay(has_truth=False)
    assert refused.value.retry_after_s == 1.0
    assert len(world.effects) == 1


async def test_an_answer_that_cannot_be_kept_is_still_given_and_found_again_later():
    world = World()
    world.records.away = {"complete"}
    assert (await world.pay()).outcome == "paid"
    world.records.away = set()
    with pytest.raises(IdempotencyInProgress):
        await world.pay()
    world.clock.advance(LEASE.total_seconds())
    assert (await world.pay()).replayed
    assert len(world.effects) == 1


async def test_a_store_that_forgot_everything_meanwhile_never_makes_a_second_effect():
    for has_truth in (True, False):
        world = World()
        world.gate.clear()
        running = asyncio.create_task(world.pay(has_truth=has_truth))
        await world.entered.wait()
        world.records.stored.clear()
        world.gate.set()
        assert (await running).outcome == "paid"
        assert (len(world.effects), world.runs) == (1, 2 if has_truth else 1)


async def test_a_failure_that_the_store_does_not_hear_of_is_still_told():
    world = World()
    world.records.away = {"release"}
    claim = world.mine.claim(field="pay", subject="ana", key="k", fingerprint="00" * 32)

    async def run() -> None:
        raise BadUserInput("amount: too much")

    async def unpack(packed: bytes) -> None:
        raise AssertionError

    with pytest.raises(BadUserInput):
        await world.mine.once(claim, Call(run, lambda _: b"", unpack, has_truth=True))


async def test_a_key_used_under_an_older_secret_is_still_the_same_key():
    world = World(secrets=(OLD,))
    await world.pay()
    rotated = world.process((NEW, OLD))
    assert (await world.pay(rotated)).replayed
    assert world.runs == 1
    assert not (await world.pay(world.process((NEW,)))).replayed


@pytest.mark.parametrize("has_truth", [True, False])
async def test_an_answer_too_large_to_keep_is_asked_for_again_where_it_can_be(
    has_truth: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("matapalo.idempotency.once.MAX_BYTES", 10)
    assert sealed.MAX_BYTES == 64 * 1024
    world = World()
    await world.pay(has_truth=has_truth)
    if has_truth:
        assert (await world.pay()).replayed
    else:
        with pytest.raises(IdempotencyOutcomeUnknown):
            await world.pay(has_truth=False)
    assert len(world.effects) == 1


async def test_a_kept_answer_of_another_version_is_asked_for_again():
    world = World()
    await world.pay()
    ((record_id, record),) = world.records.stored.items()
    world.records.stored[record_id] = type(record)(
        **{name: getattr(record, name) for name in record.__slots__} | {"result": b"\x09 from the future"}
    )
    assert (await world.pay()).replayed
    assert (world.runs, len(world.effects)) == (2, 1)
    with pytest.raises(IdempotencyOutcomeUnknown):
        await world.pay(has_truth=False)


async def test_many_at_once_have_one_effect_and_one_answer():
    world = World()
    answers = await asyncio.gather(*(world.pay(each) for each in [world.mine, world.other] * 50))
    assert {answer.outcome for answer in answers} == {"paid"}
    assert (world.runs, sum(not answer.replayed for answer in answers)) == (1, 1)


async def test_no_more_wait_than_a_process_can_bear():
    held = asyncio.Event()

    async def is_held(_record_id: str) -> bool:
        return not held.is_set()

    waiting = Waiting(is_held, most=2)
    until_s = asyncio.get_running_loop().time() + 5
    two = [asyncio.create_task(waiting.until_free("record", until_s)) for _ in range(2)]
    await asyncio.sleep(0)
    assert await waiting.until_free("record", until_s) is False
    held.set()
    assert await asyncio.gather(*two) == [True, True]


async def test_one_question_is_asked_for_all_who_wait():
    asked = 0

    async def is_held(_record_id: str) -> bool:
        nonlocal asked
        asked += 1
        return asked < 3

    waiting = Waiting(is_held)
    until_s = asyncio.get_running_loop().time() + 5
    assert all(await asyncio.gather(*(waiting.until_free("record", until_s) for _ in range(20))))
    assert asked == 3


async def test_a_process_that_stops_lets_its_mutations_end():
    world = World()
    world.gate.clear()
    leaving = asyncio.create_task(world.pay())
    await world.entered.wait()
    leaving.cancel()
    stopping = asyncio.create_task(world.mine.aclose())
    world.gate.set()
    await stopping
    assert (await world.pay(world.other)).replayed
