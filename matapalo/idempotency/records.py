"""Where the records of keys are: in Redis, one string a key and one Lua call a step.

`RedisRecords` has connections and time limits of its own: a mutation waits at most `TIMEOUT_S` for a store that does
not answer, then `StoreUnavailable`. One key a decision, so Redis Cluster serves it as it is.
"""

import hashlib
import struct
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from matapalo.idempotency.state import Begin

SCRIPT = Path(__file__).with_suffix(".lua").read_text()

TIMEOUT_S = 0.3
#: How long to wait for one of the connections: their lack is this process's trouble, not the store's.
POOL_TIMEOUT_S = 1.0
MAX_CONNECTIONS = 32

_HEAD = struct.Struct(">BBIQQQQ32s")  # as in records.lua
_VERSION = 1


class StoreUnavailable(Exception):
    """The store did not answer, or cannot write."""


class Records(Protocol):
    """The steps of `matapalo.idempotency.state` on stored records. All raise `StoreUnavailable`."""

    async def begin(self, record_id: str, *, fingerprint: str, resumes: bool) -> Begin: ...

    async def heartbeat(self, record_id: str, fence: int) -> bool: ...

    async def complete(self, record_id: str, fence: int, result: bytes) -> bool: ...

    async def release(self, record_id: str, fence: int) -> bool: ...

    async def suspend(self, record_id: str, fence: int) -> bool: ...

    async def is_held(self, record_id: str) -> bool:
        """Whether somebody has it in hand (or died with it): a begin would most likely be ``busy``."""
        ...

    async def exists(self, record_id: str) -> bool: ...

    async def aclose(self) -> None: ...


class RedisRecords:
    """Records in Redis or Valkey, under `idem:<record id>`."""

    def __init__(self, url: str, *, lease: timedelta, kept: timedelta, script: str = SCRIPT) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=POOL_TIMEOUT_S,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._redis = Redis.from_pool(pool)
        self._script = script
        self._sha = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        self._lease_us = _microseconds(lease)
        self._kept_us = _microseconds(kept)

    async def begin(self, record_id: str, *, fingerprint: str, resumes: bool) -> Begin:
        """See `state.begin`."""
        digest = bytes.fromhex(fingerprint)
        answer = await self._run(record_id, "begin", digest, self._lease_us, self._kept_us, int(resumes))
        return Begin(answer[0].decode(), *answer[1:])

    async def heartbeat(self, record_id: str, fence: int) -> bool:
        """See `state.heartbeat`."""
        return bool(await self._run(record_id, "heartbeat", fence, self._lease_us))

    async def complete(self, record_id: str, fence: int, result: bytes) -> bool:
        """See `state.complete`."""
        return bool(await self._run(record_id, "complete", fence, result))

    async def release(self, record_id: str, fence: int) -> bool:
        """See `state.release`."""
        return bool(await self._run(record_id, "release", fence))

    async def suspend(self, record_id: str, fence: int) -> bool:
        """See `state.suspend`."""
        return bool(await self._run(record_id, "suspend", fence))

    async def is_held(self, record_id: str) -> bool:
        """See `Records.is_held`."""
        try:
            head = await cast(Any, self._redis.getrange(_key(record_id), 0, _HEAD.size - 1))
        except (RedisError, OSError) as error:
            raise StoreUnavailable(str(error)) from error
        if len(head) < _HEAD.size or head[0] != _VERSION:
            return False
        _version, done, _attempt, _fence, _first, _expires, lease_until, _fingerprint = _HEAD.unpack(head)
        return not done and lease_until > 0

    async def exists(self, record_id: str) -> bool:
        """Whether there is a record."""
        try:
            return bool(await cast(Any, self._redis.exists(_key(record_id))))
        except (RedisError, OSError) as error:
            raise StoreUnavailable(str(error)) from error

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _run(self, record_id: str, step: str, *arguments: bytes | int) -> Any:
        key = _key(record_id)
        try:
            try:
                return await cast(Any, self._redis.evalsha(self._sha, 1, key, step, *arguments))
            except NoScriptError:
                return await cast(Any, self._redis.eval(self._script, 1, key, step, *arguments))
        except (RedisError, OSError) as error:
            raise StoreUnavailable(str(error)) from error


def _key(record_id: str) -> str:
    return f"idem:{record_id}"


def _microseconds(duration: timedelta) -> int:
    return round(duration / timedelta(microseconds=1))
