"""What the comparator found, in Redis: counts in slices, samples of both responses, the list of ignored fields.

    gateway:slices:differences:<route>:…   compared, failed, dropped, beyond, beneath, raw|<path>, noise|<path>,
                                           kind|<kind>|<path>
    gateway:samples:<route>:<path>         list of the last three samples (JSON), kept for 24 hours
    gateway:ignored:<route>                hash  <path> -> who ignored it, when and why (JSON), kept

Raises RedisUnavailable.
"""

from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, cast

import msgspec
from redis.asyncio import Redis

from matapalo.process.clock import Clock
from matapalo.process.outage import outage
from matapalo.strangler.errors import RedisUnavailable
from matapalo.strangler.shadow.consistency import Consistency, fields_of
from matapalo.strangler.shadow.difference import Difference, SideResponse, differences
from matapalo.strangler.store.slices import KEPT, Slices

SAMPLES = 3
PATHS_AT_MOST = 50
"""Of one comparison: a response that is all wrong must not fill Redis."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """Both responses to one request, redacted. The request is without the values of its query."""

    at: datetime
    request: str
    legacy: Any
    new: Any


class Ignored(msgspec.Struct, frozen=True, kw_only=True):
    """A field whose differences count for nothing, and by which operator."""

    path: str
    by: str
    why: str
    at: datetime


class Comparison(NamedTuple):
    """Where new differs from legacy (``raw``), and legacy from itself (``noise``)."""

    raw: frozenset[Difference]
    noise: frozenset[Difference]

    @classmethod
    def of(cls, legacy: SideResponse, new: SideResponse, legacy_again: SideResponse) -> "Comparison":
        """Of three responses in the order of their requests: what changed meanwhile is then in the noise, too."""
        return cls(differences(legacy, new), differences(legacy, legacy_again))

    def counts(self, *, ignored: Collection[str]) -> dict[str, int]:
        raw, noise = _paths(self.raw), _paths(self.noise)
        beyond = {path for path in raw - noise if path not in ignored}
        beneath = {path for path in noise - raw if path not in ignored}
        return {
            "compared": 1,
            **({"beyond": 1} if beyond else {}),
            **({"beneath": 1} if beneath and not beyond else {}),
            **{f"raw|{path}": 1 for path in sorted(raw)[:PATHS_AT_MOST]},
            **{f"noise|{path}": 1 for path in sorted(noise)[:PATHS_AT_MOST]},
            **{f"kind|{difference.kind}|{difference.path}": 1 for difference in sorted(self.raw)[:PATHS_AT_MOST]},
        }

    def sample_paths(self) -> list[str]:
        """The paths a sample is kept for: those where legacy agrees with itself."""
        return sorted(_paths(self.raw) - _paths(self.noise))[:PATHS_AT_MOST]


def _paths(differences: Collection[Difference]) -> set[str]:
    return {difference.path for difference in differences}


@dataclass(frozen=True)
class Findings:
    redis: Redis
    slices: Slices
    clock: Clock

    async def add(self, route: str, counts: Mapping[str, int]) -> None:
        await self.slices.add({_series(route): counts})

    async def add_sample(self, route: str, paths: Sequence[str], sample: Sample) -> None:
        """Keep a sample for each of the paths, instead of their oldest."""
        text = msgspec.json.encode(sample)
        with outage(RedisUnavailable):
            async with self.redis.pipeline(transaction=False) as pipe:
                for path in paths:
                    key = _samples_key(route, path)
                    pipe.lpush(key, text)
                    pipe.ltrim(key, 0, SAMPLES - 1)
                    pipe.expire(key, KEPT)
                await pipe.execute()

    async def read(
        self, route: str, *, since: datetime, significance: float, until: datetime | None = None
    ) -> Consistency:
        counts = await self.slices.total(_series(route), since=since, until=until)
        ignored = [entry.path for entry in await self.ignored(route)]
        raw: dict[str, int] = {}
        noise: dict[str, int] = {}
        kinds: dict[str, set[str]] = {}
        for field, count in counts.items():
            what, _, path = field.partition("|")
            if what == "raw":
                raw[path] = count
            elif what == "noise":
                noise[path] = count
            elif what == "kind":
                kind, _, path = path.partition("|")
                kinds.setdefault(path, set()).add(kind)
        return Consistency(
            compared=counts["compared"],
            differing=max(0, counts["beyond"] - counts["beneath"]),
            failed=counts["failed"],
            dropped=counts["dropped"],
            fields=fields_of(
                raw, noise, kinds, compared=counts["compared"], ignored=ignored, significance=significance
            ),
        )

    async def samples(self, route: str, paths: Sequence[str]) -> dict[str, list[Sample]]:
        """The samples of these paths, the newest first."""
        with outage(RedisUnavailable):
            async with self.redis.pipeline(transaction=False) as pipe:
                for path in paths:
                    pipe.lrange(_samples_key(route, path), 0, SAMPLES - 1)
                samples = await pipe.execute()
        return {
            path: [msgspec.json.decode(text, type=Sample) for text in texts]
            for path, texts in zip(paths, samples, strict=True)
        }

    async def ignored(self, route: str) -> list[Ignored]:
        with outage(RedisUnavailable):
            texts = await cast("Awaitable[dict[bytes, bytes]]", self.redis.hgetall(_ignored_key(route)))
        entries = [msgspec.json.decode(text, type=Ignored) for text in texts.values()]
        return sorted(entries, key=lambda entry: entry.path)

    async def ignore(self, route: str, path: str, *, by: str, why: str) -> Ignored:
        entry = Ignored(path=path, by=by, why=why, at=self.clock.now())
        with outage(RedisUnavailable):
            await self.redis.hset(_ignored_key(route), path, msgspec.json.encode(entry))
        return entry

    async def unignore(self, route: str, path: str) -> bool:
        """Take a field off the list; whether it was there."""
        with outage(RedisUnavailable):
            return bool(await self.redis.hdel(_ignored_key(route), path))

    async def forget(self, route: str) -> None:
        """Forget what was counted: after a fix, the old differences are not held against the new side."""
        await self.slices.forget(_series(route))
        with outage(RedisUnavailable):
            async for key in self.redis.scan_iter(match=f"gateway:samples:{route}:*", count=1000):
                await self.redis.unlink(key)


def _series(route: str) -> str:
    return f"differences:{route}"


def _samples_key(route: str, path: str) -> str:
    return f"gateway:samples:{route}:{path}"


def _ignored_key(route: str) -> str:
    return f"gateway:ignored:{route}"
