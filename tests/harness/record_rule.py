"""What happens to the record of a key, as a pure rule: what `records.lua` is held to, and what `MemoryRecords` runs.

Times are microseconds since the epoch, by the clock of Redis.
"""

from dataclasses import dataclass, replace
from typing import TypeGuard

from matapalo.idempotency.records import Begin, BeginKind


@dataclass(frozen=True, slots=True)
class Record:
    """The state of a key. ``lease_until_us`` is 0 when it has no owner; ``result`` counts when ``done``."""

    fingerprint: bytes
    fence: int
    attempt: int
    first_at_us: int
    expires_at_us: int
    lease_until_us: int
    done: bool = False
    result: bytes = b""


def begin(
    record: Record | None, now_us: int, *, fingerprint: bytes, lease_us: int, retention_us: int, resumes: bool
) -> tuple[Record | None, Begin]:
    """The record after a begin, and how it ended. ``resumes``: the caller may take over from a dead owner."""
    record = _unexpired(record, now_us)
    if record is None:
        record = Record(fingerprint, now_us, 1, now_us, now_us + retention_us, now_us + lease_us)
        return record, _begin("begun", record)
    if record.fingerprint != fingerprint:
        return record, Begin("conflict")
    if record.done:
        return record, _begin("done", record)
    if record.lease_until_us > now_us:
        return record, _begin("busy", record)
    if not resumes:
        return record, _begin("unknown", record)
    fence = max(record.fence + 1, now_us)
    record = replace(record, fence=fence, attempt=record.attempt + 1, lease_until_us=now_us + lease_us)
    return record, _begin("resumed", record)


def heartbeat(record: Record | None, now_us: int, *, fence: int, lease_us: int) -> tuple[Record | None, bool]:
    """The record after its owner said that it lives; False when it is the owner no more."""
    record = _unexpired(record, now_us)
    if not _owns(record, fence):
        return record, False
    return replace(record, lease_until_us=now_us + lease_us), True


def complete(record: Record | None, now_us: int, *, fence: int, result: bytes) -> tuple[Record | None, bool]:
    """The record after its owner brought the result; False when it is the owner no more."""
    record = _unexpired(record, now_us)
    if not _owns(record, fence):
        return record, False
    return replace(record, lease_until_us=0, done=True, result=result), True


def release(record: Record | None, now_us: int, *, fence: int) -> tuple[Record | None, bool]:
    """No record, when the owner said that nothing happened; False when it is the owner no more."""
    record = _unexpired(record, now_us)
    return (None, True) if _owns(record, fence) else (record, False)


def suspend(record: Record | None, now_us: int, *, fence: int) -> tuple[Record | None, bool]:
    """The record after its owner gave up in the middle; False when it is the owner no more."""
    record = _unexpired(record, now_us)
    if not _owns(record, fence):
        return record, False
    return replace(record, lease_until_us=0), True


def _begin(kind: BeginKind, record: Record) -> Begin:
    return Begin(kind, record.fence, record.attempt, record.first_at_us, record.expires_at_us, record.result)


def _unexpired(record: Record | None, now_us: int) -> Record | None:
    return record if record is not None and record.expires_at_us > now_us else None


def _owns(record: Record | None, fence: int) -> TypeGuard[Record]:
    return record is not None and not record.done and record.fence == fence
