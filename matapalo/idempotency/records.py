"""The records of keys in Redis: one string a key and one Lua call a step (`records.lua`, which has the rule).

`RedisRecords` has connections and time limits of its own: a mutation waits `TIMEOUT_S` for a store that does not
respond, or `CONNECT_TIMEOUT_S` for one that cannot be reached, then `StoreUnavailable`. One key a call, so Redis
Cluster serves it as it is.
"""

import hashlib
import struct
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError

from matapalo.process.outage import outage

SCRIPT = Path(__file__).with_suffix(".lua").read_text()

TIMEOUT_S = 0.3
#: How long to connect, or to wait for a connection: what is slow then is most often this process, in which hundreds of
#: mutations arrived at once. Taking that for a store that is away would let all of them run beside each other.
CONNECT_TIMEOUT_S = 2.0
MAX_CONNECTIONS = 8

BeginKind = Literal["begun", "resumed", "busy", "done", "conflict", "unknown", "foreign"]

_HEAD = struct.Struct(">BBIQQQQ32s")  # as in records.lua
_VERSION = 1


class _Head(NamedTuple):
    """What a stored record begins with, before its result."""

    version: int
    done: int
    attempt: int
    fence: int
    first_at_us: int
    expires_at_us: int
    lease_until_us: int
    fingerprint: bytes


class Begin(NamedTuple):
    """How a begin ended, as `records.lua` returns it, field by field.

    ``begun`` and ``resumed``: the caller owns the key under ``fence``; after ``resumed`` an earlier attempt may have
    had its effect. ``done``: ``result`` is stored. ``busy``: the key has another owner.
    ``conflict``: the key was used with other arguments. ``unknown``: it would be ``resumed``, which the caller cannot.
    ``foreign``: the record was written by another version of this program.
    """

    kind: BeginKind
    fence: int = 0
    attempt: int = 0
    first_at_us: int = 0
    expires_at_us: int = 0
    result: bytes = b""


class StoreUnavailable(Exception):
    """The store did not respond, or cannot write."""


class Records(Protocol):
    """The steps of `records.lua` on stored records. All raise `StoreUnavailable`.

    A heartbeat, and what ends an attempt, is False when the caller owns the key no more.
    """

    async def begin(self, record_id: str, *, fingerprint: str, resumes: bool) -> Begin: ...

    async def heartbeat(self, record_id: str, fence: int) -> bool: ...

    async def complete(self, record_id: str, fence: int, result: bytes) -> bool: ...

    async def release(self, record_id: str, fence: int) -> bool: ...

    async def suspend(self, record_id: str, fence: int) -> bool: ...

    async def is_held(self, record_id: str) -> bool:
        """Whether it has an owner (perhaps a dead one): a begin would most likely be ``busy``."""
        ...

    async def exists(self, record_id: str) -> bool: ...

    async def aclose(self) -> None: ...


class RedisRecords:
    """Records in Redis or Valkey, under `idem:<record id>`."""

    def __init__(self, url: str, *, lease: timedelta, retention: timedelta, script: str = SCRIPT) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=CONNECT_TIMEOUT_S,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._redis = Redis.from_pool(pool)
        self._script = script
        self._sha = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        self._lease_us = _microseconds(lease)
        self._retention_us = _microseconds(retention)

    async def begin(self, record_id: str, *, fingerprint: str, resumes: bool) -> Begin:
        digest = bytes.fromhex(fingerprint)
        kind, *fields = await self._run(record_id, "begin", digest, self._lease_us, self._retention_us, int(resumes))
        return Begin(kind.decode(), *fields)

    async def heartbeat(self, record_id: str, fence: int) -> bool:
        return bool(await self._run(record_id, "heartbeat", fence, self._lease_us))

    async def complete(self, record_id: str, fence: int, result: bytes) -> bool:
        return bool(await self._run(record_id, "complete", fence, result))

    async def release(self, record_id: str, fence: int) -> bool:
        return bool(await self._run(record_id, "release", fence))

    async def suspend(self, record_id: str, fence: int) -> bool:
        return bool(await self._run(record_id, "suspend", fence))

    async def is_held(self, record_id: str) -> bool:
        with outage(StoreUnavailable):
            stored = await cast(Any, self._redis.getrange(_key(record_id), 0, _HEAD.size - 1))
        if len(stored) < _HEAD.size:
            return False
        head = _Head(*_HEAD.unpack(stored))
        return head.version == _VERSION and not head.done and head.lease_until_us > 0

    async def exists(self, record_id: str) -> bool:
        with outage(StoreUnavailable):
            return bool(await cast(Any, self._redis.exists(_key(record_id))))

    async def aclose(self) -> None:
        await self._redis.aclose()

    async def _run(self, record_id: str, step: str, *arguments: bytes | int) -> Any:
        key = _key(record_id)
        with outage(StoreUnavailable):
            try:
                return await cast(Any, self._redis.evalsha(self._sha, 1, key, step, *arguments))
            except NoScriptError:
                return await cast(Any, self._redis.eval(self._script, 1, key, step, *arguments))


def _key(record_id: str) -> str:
    return f"idem:{record_id}"


def _microseconds(duration: timedelta) -> int:
    return round(duration / timedelta(microseconds=1))
