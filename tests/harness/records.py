"""Records of idempotency keys without Redis: in memory, by the pure rule that `records.lua` is held to."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from matapalo.idempotency.records import Begin
from matapalo.process.clock import Clock
from tests.harness import record_rule as state
from tests.harness.record_rule import Record

T = TypeVar("T")
MICROSECOND = timedelta(microseconds=1)


class MemoryRecords:
    """Records that live as long as the object."""

    def __init__(self, clock: Clock, *, lease: timedelta, retention: timedelta) -> None:
        self._clock = clock
        self._lease_us = round(lease / MICROSECOND)
        self._retention_us = round(retention / MICROSECOND)
        self.stored: dict[str, Record] = {}

    async def begin(self, record_id: str, *, fingerprint: str, resumes: bool) -> Begin:
        return self._step(
            record_id,
            state.begin,
            fingerprint=bytes.fromhex(fingerprint),
            lease_us=self._lease_us,
            retention_us=self._retention_us,
            resumes=resumes,
        )

    async def heartbeat(self, record_id: str, fence: int) -> bool:
        return self._step(record_id, state.heartbeat, fence=fence, lease_us=self._lease_us)

    async def complete(self, record_id: str, fence: int, result: bytes) -> bool:
        return self._step(record_id, state.complete, fence=fence, result=result)

    async def release(self, record_id: str, fence: int) -> bool:
        return self._step(record_id, state.release, fence=fence)

    async def suspend(self, record_id: str, fence: int) -> bool:
        return self._step(record_id, state.suspend, fence=fence)

    async def is_held(self, record_id: str) -> bool:
        record = self.stored.get(record_id)
        return record is not None and not record.done and record.lease_until_us > 0

    async def exists(self, record_id: str) -> bool:
        return record_id in self.stored

    async def aclose(self) -> None:
        """There is nothing to close."""

    def _step(self, record_id: str, step: Callable[..., tuple[Record | None, T]], **arguments: Any) -> T:
        now_us = round(self._clock.now().timestamp() * 1_000_000)
        record, result = step(self.stored.pop(record_id, None), now_us, **arguments)
        if record is not None:
            self.stored[record_id] = record
        return result
