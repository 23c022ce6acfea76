"""The rule of a key's record; that its Lua twin is the same rule: test_records.py."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from matapalo.idempotency.records import Begin
from tests.harness import record_rule as state
from tests.harness.record_rule import Record

LEASE_US, RETENTION_US = 15_000_000, 86_400_000_000
START_US = 1_800_000_000_000_000
MINE, OTHER = bytes(32), bytes([1]) * 32


def begin(record: Record | None, now_us: int, fingerprint: bytes = MINE, *, resumes: bool = True):
    return state.begin(
        record, now_us, fingerprint=fingerprint, lease_us=LEASE_US, retention_us=RETENTION_US, resumes=resumes
    )


def test_the_first_begins_and_the_second_is_busy():
    record, first = begin(None, START_US)
    _, second = begin(record, START_US + 1_000_000)
    assert (first.kind, first.attempt) == ("begun", 1)
    assert second.kind == "busy"
    assert begin(record, START_US + LEASE_US - 1)[1].kind == "busy"


def test_other_arguments_are_a_conflict_at_any_time():
    record, first = begin(None, START_US)
    assert begin(record, START_US, OTHER)[1].kind == "conflict"
    done, _ = state.complete(record, START_US, fence=first.fence, result=b"result")
    assert begin(done, START_US, OTHER) == (done, Begin("conflict"))


def test_an_expired_lease_is_taken_over_and_its_owner_fenced():
    record, first = begin(None, START_US)
    record, second = begin(record, START_US + LEASE_US)
    assert (second.kind, second.attempt, second.fence > first.fence) == ("resumed", 2, True)
    for step in (state.release, state.suspend):
        assert step(record, START_US + LEASE_US, fence=first.fence) == (record, False)
    assert state.complete(record, START_US + LEASE_US, fence=first.fence, result=b"late") == (record, False)


def test_a_heartbeat_keeps_the_lease():
    record, first = begin(None, START_US)
    record, alive = state.heartbeat(record, START_US + 10_000_000, fence=first.fence, lease_us=LEASE_US)
    assert alive
    assert begin(record, START_US + LEASE_US)[1].kind == "busy"


def test_what_cannot_resume_is_unknown_and_stays_so():
    record, _ = begin(None, START_US)
    unchanged, begun = begin(record, START_US + LEASE_US, resumes=False)
    assert (unchanged, begun.kind) == (record, "unknown")


def test_a_key_is_forgotten_when_its_time_is_over_and_not_before():
    record, first = begin(None, START_US)
    record, _ = state.complete(record, START_US, fence=first.fence, result=b"result")
    assert begin(record, START_US + RETENTION_US - 1)[1].result == b"result"
    assert begin(record, START_US + RETENTION_US)[1].kind == "begun"


def test_a_released_key_gives_no_fence_out_again():
    record, first = begin(None, START_US)
    record, _ = state.release(record, START_US, fence=first.fence)
    _, second = begin(record, START_US + 1)
    assert record is None
    assert second.fence > first.fence


class Key(RuleBasedStateMachine):
    """One key over many owners, some of whom die or sleep past their lease."""

    def __init__(self) -> None:
        super().__init__()
        self.now_us = START_US
        self.record: Record | None = None
        self.owners: list[Begin] = []
        self.result: bytes | None = None
        self.first: Begin | None = None

    @initialize()
    def start(self) -> None:
        self.begins()

    @rule()
    def begins(self) -> None:
        self.now_us += 1  # no two commands of a server happen within a microsecond
        self.record, begun = begin(self.record, self.now_us)
        if begun.kind in ("begun", "resumed"):
            assert self.result is None
            assert all(begun.fence > owner.fence for owner in self.owners)
            self.owners.append(begun)
        if begun.kind == "begun":
            self.first = begun
        if begun.kind == "done":
            assert begun.result == self.result
        if self.first is not None and begun.kind != "conflict":
            assert (begun.first_at_us, begun.expires_at_us) == (self.first.first_at_us, self.first.expires_at_us)

    @rule()
    def begins_with_other_arguments(self) -> None:
        before = self.record
        self.record, begun = begin(self.record, self.now_us, OTHER)
        if before is not None:
            assert (self.record, begun.kind) == (before, "conflict")
        else:
            self.record, _ = state.release(self.record, self.now_us, fence=begun.fence)

    @rule(seconds=st.sampled_from([1, 5, 14, 16]))
    def time_passes(self, seconds: int) -> None:
        self.now_us += seconds * 1_000_000

    @precondition(lambda self: self.owners)
    @rule(data=st.data(), step=st.sampled_from(["heartbeat", "complete", "release", "suspend"]))
    def an_owner_acts(self, data: Any, step: str) -> None:
        owner = data.draw(st.sampled_from(self.owners))
        is_newest = owner is self.owners[-1] and self.record is not None and not self.record.done
        before = self.record
        more: dict[str, Any] = {"heartbeat": {"lease_us": LEASE_US}, "complete": {"result": str(owner.fence).encode()}}
        self.record, accepted = getattr(state, step)(self.record, self.now_us, fence=owner.fence, **more.get(step, {}))
        assert accepted == is_newest
        if not accepted:
            assert self.record == before
        elif step == "complete":
            self.result = str(owner.fence).encode()
        elif step == "release":
            self.first = None

    @invariant()
    def what_is_done_stays_as_it_is(self) -> None:
        if self.result is not None:
            assert self.record is not None
            assert (self.record.done, self.record.result) == (True, self.result)


TestKey = Key.TestCase
TestKey.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
