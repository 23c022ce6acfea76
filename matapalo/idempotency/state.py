"""What happens to the record of a key: a pure rule, the twin of `records.lua` (held together by a parity test).

```
absent  ──begin──────▶ RUNNING(fence, lease)    the caller owns the key and runs the mutation
RUNNING ──heartbeat──▶ RUNNING(later lease)     every third of a lease, while the owner lives
RUNNING ──complete───▶ DONE(result)             every later begin gets the result
RUNNING ──release────▶ absent                   nothing happened: the key is free again
RUNNING ──suspend────▶ RUNNING(no lease)        something may have happened: the next begin takes over
RUNNING, lease over ──begin──▶ RUNNING(higher fence)
```

Only the owner with the newest fence writes: one that was paused past its lease finds that its fence is stale. A fence
is the time of its begin, or one more than the one before it, so a released key never gives an old fence out again.
Nothing extends ``expires_at_us``: a record lives from the first use of its key, for as long as was promised.
Times are microseconds since the epoch, by the clock of Redis.
"""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeGuard

Kind = Literal["begun", "resumed", "busy", "done", "conflict", "unknown", "foreign"]


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


class Begin(NamedTuple):
    """How a begin ended, as `records.lua` returns it, field by field.

    ``begun`` and ``resumed``: the caller owns the key under ``fence``; after ``resumed`` an earlier attempt may have
    had its effect. ``done``: ``result`` is stored. ``busy``: the key has another owner.
    ``conflict``: the key was used with other arguments. ``unknown``: it would be ``resumed``, which the caller cannot.
    ``foreign``: the record was written by another version of this program.
    """

    kind: Kind
    fence: int = 0
    attempt: int = 0
    first_at_us: int = 0
    expires_at_us: int = 0
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


def _begin(kind: Kind, record: Record) -> Begin:
    return Begin(kind, record.fence, record.attempt, record.first_at_us, record.expires_at_us, record.result)


def _unexpired(record: Record | None, now_us: int) -> Record | None:
    return record if record is not None and record.expires_at_us > now_us else None


def _owns(record: Record | None, fence: int) -> TypeGuard[Record]:
    return record is not None and not record.done and record.fence == fence
