"""Counters by time in Redis: added up from wherever they come, read back for any window of the last 24 hours.

    gateway:slices:<series>:10:176393280     hash  field -> count      ten seconds, kept for two hours
    gateway:slices:<series>:300:5879776      hash  field -> count      five minutes, kept for 25 hours

A series is for example ``traffic:things``. A slice is a hash of a few hundred bytes; Redis forgets it by itself. Adding
is all there is, so any number of agents write into one slice, and an emptied Redis only means that there is less to
judge by. Raises RedisUnavailable.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from redis.asyncio import Redis

from matapalo.process.clock import Clock
from matapalo.process.outage import outage
from matapalo.strangler.errors import RedisUnavailable

KEPT = timedelta(hours=24)
COARSE_S = 300
FINE_KEPT = timedelta(hours=2)
SLACK = timedelta(hours=1)
READ_AT_MOST = 660
"""Fine slices in one window: what is longer is read from coarse ones."""


class _Size(NamedTuple):
    seconds: int
    lifetime: timedelta


class Slices:
    """All series. ``fine_s`` is the length of a fine slice, the same in every process."""

    def __init__(self, redis: Redis, *, clock: Clock, fine_s: int) -> None:
        self._redis = redis
        self._clock = clock
        self._sizes = (_Size(fine_s, FINE_KEPT), _Size(COARSE_S, KEPT + SLACK))

    async def add(self, counts: Mapping[str, Mapping[str, int]]) -> None:
        """Add counts (series to field to count) to the slices of now."""
        now = self._clock.now()
        with outage(RedisUnavailable):
            async with self._redis.pipeline(transaction=False) as pipe:
                for series, fields in counts.items():
                    for size in self._sizes if fields else ():
                        key = _key(series, size.seconds, _index(now, size.seconds))
                        for field, count in fields.items():
                            pipe.hincrby(key, field, count)
                        pipe.expire(key, size.lifetime)
                await pipe.execute()

    async def total(self, series: str, *, since: datetime, until: datetime | None = None) -> Counter[str]:
        """Everything counted in the window: whole slices, those that began in it."""
        total: Counter[str] = Counter()
        for _, counts in await self._read(series, since, until or self._clock.now(), self._size_for(since)):
            total.update(counts)
        return total

    async def points(
        self, series: str, *, since: datetime, until: datetime | None = None, at_most: int = 120
    ) -> list[tuple[datetime, datetime, Counter[str]]]:
        """The window in pieces (begin, end, counts), the oldest first; empty ones are in it."""
        until = until or self._clock.now()
        size = self._size_for(since)
        slices = await self._read(series, since, until, size)
        together = max(1, -(-len(slices) // at_most))
        points = []
        for at in range(0, len(slices), together):
            group = slices[at : at + together]
            counts: Counter[str] = Counter()
            for _, slice_counts in group:
                counts.update(slice_counts)
            points.append((group[0][0], group[-1][0] + timedelta(seconds=size.seconds), counts))
        return points

    async def forget(self, series: str) -> None:
        with outage(RedisUnavailable):
            async for key in self._redis.scan_iter(match=f"gateway:slices:{series}:*", count=1000):
                await self._redis.unlink(key)

    def _size_for(self, since: datetime) -> _Size:
        fine, coarse = self._sizes
        age_s = (self._clock.now() - since).total_seconds()
        return fine if age_s <= min(fine.lifetime.total_seconds(), READ_AT_MOST * fine.seconds) else coarse

    async def _read(
        self, series: str, since: datetime, until: datetime, size: _Size
    ) -> list[tuple[datetime, dict[str, int]]]:
        oldest = max(since, self._clock.now() - size.lifetime)
        first = -int(-oldest.timestamp() // size.seconds)
        indices = range(first, _index(until, size.seconds) + 1)
        with outage(RedisUnavailable):
            async with self._redis.pipeline(transaction=False) as pipe:
                for index in indices:
                    pipe.hgetall(_key(series, size.seconds, index))
                slices = await pipe.execute()
        return [
            (
                datetime.fromtimestamp(index * size.seconds, UTC),
                {field.decode(): int(count) for field, count in fields.items()},
            )
            for index, fields in zip(indices, slices, strict=True)
        ]


def _key(series: str, seconds: int, index: int) -> str:
    return f"gateway:slices:{series}:{seconds}:{index}"


def _index(at: datetime, seconds: int) -> int:
    return int(at.timestamp()) // seconds
