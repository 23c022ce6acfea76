"""What happens to the record of a key: a pure rule, the twin of `records.lua` (held together by a parity test).

```
absent  ──begin──────▶ RUNNING(fence, lease)    the caller owns the key and runs the mutation
RUNNING ──heartbeat──▶ RUNNING(later lease)     every third of a lease, while the owner lives
RUNNING ──complete───▶ DONE(result)             every later begin gets the result
RUNNING ──release────▶ absent                   nothing happened: the key is free again
RUNNING ──suspend────▶ RUNNING(no lease)        something may have happened: the next begin takes over
RUNNING, lease over ──begin──▶ RUNNING(higher fence)
```

Only the owner with the newest fence writes: whoever was paused past its lease finds that its fence is stale. A fence is
the time of its begin, or one more than the one before it, so a released key never gives an old fence out again.
Nothing extends ``expires_at_us``: a key is remembered from its first use, for as long as was promised.
Times are microseconds since the epoch, by the clock of Redis.
"""

from dataclasses import dataclass, replace
from typing import Literal, TypeGuard

Kind = Literal["begun", "resumed", "busy", "done", "conflict", "unknown", "foreign"]


@dataclass(frozen=True, slots=True)
class Record:
    """The state of a key. ``lease_until_us`` is 0 when nobody has it; ``result`` counts when ``done``."""

    fingerprint: bytes
    fence: int
    attempt: int
    first_at_us: int
    expires_at_us: int
    lease_until_us: int
    done: bool = False
    result: bytes = b""


@dataclass(frozen=True, slots=True)
class Begin:
    """What `begin` found.

    ``begun`` and ``resumed``: the caller owns the key under ``fence``; after ``resumed`` an earlier attempt may have
    had its effect. ``done``: ``result`` is the answer. ``busy``: somebody else has it, for ``lease_left_us`` or longer.
    ``conflict``: the key was used with other arguments. ``unknown``: it would be ``resumed``, which the caller cannot.
    ``foreign``: the record was written by another version of this program.
    """

    kind: Kind
    fence: int = 0
    attempt: int = 0
    first_at_us: int = 0
    expires_at_us: int = 0
    lease_left_us: int = 0
    result: bytes = b""


def begin(
    found: Record | None, now_us: int, *, fingerprint: bytes, lease_us: int, kept_us: int, resumes: bool
) -> tuple[Record | None, Begin]:
    """The record after a begin, and what it found."""
    found = _living(found, now_us)
    if found is None:
        expires = now_us + kept_us
        fresh = Record(fingerprint, now_us, 1, now_us, expires, now_us + lease_us)
        return fresh, Begin("begun", now_us, 1, now_us, expires)
    if found.fingerprint != fingerprint:
        return found, Begin("conflict")
    times = (found.first_at_us, found.expires_at_us)
    if found.done:
        return found, Begin("done", found.fence, found.attempt, *times, result=found.result)
    if found.lease_until_us > now_us:
        return found, Begin("busy", found.fence, found.attempt, *times, lease_left_us=found.lease_until_us - now_us)
    if not resumes:
        return found, Begin("unknown", found.fence, found.attempt, *times)
    fence, attempt = max(found.fence + 1, now_us), found.attempt + 1
    taken = replace(found, fence=fence, attempt=attempt, lease_until_us=now_us + lease_us)
    return taken, Begin("resumed", fence, attempt, *times)


def heartbeat(found: Record | None, now_us: int, *, fence: int, lease_us: int) -> tuple[Record | None, bool]:
    """The record after its owner said that it lives; False when it is the owner no more."""
    found = _living(found, now_us)
    if not _owns(found, fence):
        return found, False
    return replace(found, lease_until_us=now_us + lease_us), True


def complete(found: Record | None, now_us: int, *, fence: int, result: bytes) -> tuple[Record | None, bool]:
    """The record after its owner brought the result; False when it is the owner no more."""
    found = _living(found, now_us)
    if not _owns(found, fence):
        return found, False
    return replace(found, lease_until_us=0, done=True, result=result), True


def release(found: Record | None, now_us: int, *, fence: int) -> tuple[Record | None, bool]:
    """No record, when the owner said that nothing happened; False when it is the owner no more."""
    found = _living(found, now_us)
    return (None, True) if _owns(found, fence) else (found, False)


def suspend(found: Record | None, now_us: int, *, fence: int) -> tuple[Record | None, bool]:
    """The record after its owner gave up in the middle; False when it is the owner no more."""
    found = _living(found, now_us)
    if not _owns(found, fence):
        return found, False
    return replace(found, lease_until_us=0), True


def _living(found: Record | None, now_us: int) -> Record | None:
    return found if found is not None and found.expires_at_us > now_us else None


def _owns(found: Record | None, fence: int) -> TypeGuard[Record]:
    return found is not None and not found.done and found.fence == fence
