"""The store over redis-py: one server (`RedisStore`) or a cluster (`ClusterStore`).

For one server a batch of calls is packed here and written at once over connections kept by us: that is half the CPU of
a pipeline of redis-py, and the connections, their log-in and their TLS are still redis-py's. Nothing is ever sent
twice, for it may have been executed; only a script that the server does not know (and so did not run) is sent again,
as its text. Time-outs are the caller's business (`matapalo.ratelimit.store.coalescer`), except that of connecting.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from matapalo.ratelimit.store.ports import CONFIG_KEY, Call, Store, StoreUnavailable
from matapalo.ratelimit.store.scripts import Script, script

LONG_IDLE_S = 0.1
FAILURES = (RedisError, OSError, asyncio.TimeoutError)


def create_store(url: str, *, cluster: bool = False, timeout_s: float = 0.05, clock: str | None = None) -> Store:
    """The store at ``url``; connects when first used. ``clock``: Lua in the place of the store's clock, for tests."""
    options: dict[str, Any] = {
        "socket_connect_timeout": timeout_s,
        "socket_timeout": None,
        "retry": Retry(NoBackoff(), 0),
    }
    if cluster:
        return ClusterStore(RedisCluster.from_url(url, **options), clock=clock)
    return RedisStore(Redis.from_url(url, **options), timeout_s=timeout_s, clock=clock)


class _Configured:
    """What one server and a cluster do alike."""

    def __init__(self, client: "Redis | RedisCluster", timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s

    async def delete(self, key: str) -> bool:
        return bool(await self._ask(self._client.delete(key)))

    async def fields(self, *names: str) -> list[bytes | None]:
        found: list[bytes | None] = await self._ask(self._client.hmget(CONFIG_KEY, list(names)))
        return found

    async def publish(self, fields: Mapping[str, str | None], *, counter: str) -> None:
        pipe = self._client.pipeline(transaction=True)
        for name, value in fields.items():
            if value is None:
                pipe.hdel(CONFIG_KEY, name)
            else:
                pipe.hset(CONFIG_KEY, name, value)
        pipe.hincrby(CONFIG_KEY, counter, 1)
        await self._ask(pipe.execute())

    async def _ask(self, awaitable: Any) -> Any:
        try:
            async with asyncio.timeout(max(1.0, self._timeout_s)):  # an operator waits, not a request
                return await awaitable
        except FAILURES as error:
            raise StoreUnavailable(str(error) or type(error).__name__) from error


class RedisStore(_Configured):
    """One Redis or Valkey."""

    def __init__(self, client: Redis, *, timeout_s: float, clock: str | None = None) -> None:
        super().__init__(client, timeout_s)
        self._pool: ConnectionPool = client.connection_pool
        self._idle: list[tuple[AbstractConnection, float]] = []
        self._scripts = {name: script(name, clock=clock) for name in ("reserve", "settle", "renew")}
        self._prefixes = {name: _prefix(b"EVALSHA", one.sha.encode()) for name, one in self._scripts.items()}

    async def run(self, calls: Sequence[Call]) -> Sequence[Any]:
        connection, used_s = self._idle.pop() if self._idle else (self._connect(), 0.0)
        loop = asyncio.get_running_loop()
        try:
            if loop.time() - used_s > LONG_IDLE_S and connection.is_connected and await connection.can_read():
                await connection.disconnect(nowait=True)  # the server closed it meanwhile
            replies = await self._exchange(connection, [_packed(self._prefixes[one.script], one) for one in calls])
            for index, reply in enumerate(replies):
                if isinstance(reply, NoScriptError):
                    found = self._scripts[calls[index].script]
                    line = _packed(_prefix(b"EVAL", found.text.encode()), calls[index])
                    (replies[index],) = await self._exchange(connection, [line])
        except FAILURES as error:
            await connection.disconnect(nowait=True)
            raise StoreUnavailable(str(error) or type(error).__name__) from error
        except BaseException:
            await connection.disconnect(nowait=True)  # what it was asked would be the next one's answer
            raise
        self._idle.append((connection, loop.time()))
        return replies

    async def aclose(self) -> None:
        for connection, _ in self._idle:
            await connection.disconnect()
        await self._client.aclose()

    def _connect(self) -> AbstractConnection:
        made: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        return made

    async def _exchange(self, connection: AbstractConnection, lines: list[bytes]) -> list[Any]:
        await connection.send_packed_command(b"".join(lines), check_health=False)
        return [await _reply(connection) for _ in lines]


class ClusterStore(_Configured):
    """A Redis Cluster. One key a call, so a call is never split; redis-py follows moved slots."""

    def __init__(self, client: RedisCluster, *, clock: str | None = None) -> None:
        super().__init__(client, 1.0)
        self._scripts: dict[str, Script] = {name: script(name, clock=clock) for name in ("reserve", "settle", "renew")}

    async def run(self, calls: Sequence[Call]) -> Sequence[Any]:
        try:
            replies = await self._pipe("EVALSHA", calls)
            unknown = [index for index, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
            if unknown:
                again = await self._pipe("EVAL", [calls[index] for index in unknown])
                for index, reply in zip(unknown, again, strict=True):
                    replies[index] = reply
        except FAILURES as error:
            raise StoreUnavailable(str(error) or type(error).__name__) from error
        return replies

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _pipe(self, command: str, calls: Sequence[Call]) -> list[Any]:
        assert isinstance(self._client, RedisCluster)  # noqa: S101 - narrows the type
        pipe = self._client.pipeline()
        for one in calls:
            found = self._scripts[one.script]
            text = found.sha if command == "EVALSHA" else found.text
            pipe.execute_command(command, text, 1, one.key, *one.arguments)
        replies: list[Any] = await pipe.execute(raise_on_error=False)
        return replies


async def _reply(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response(timeout=float("inf"))
    except RedisError as error:
        if not connection.is_connected:
            raise
        return error


def _prefix(command: bytes, text: bytes) -> bytes:
    return b"$%d\r\n%b\r\n$%d\r\n%b\r\n$1\r\n1\r\n" % (len(command), command, len(text), text)


def _packed(prefix: bytes, call: Call) -> bytes:
    key = call.key.encode()
    parts = [b"*%d\r\n%b$%d\r\n%b\r\n" % (4 + len(call.arguments), prefix, len(key), key)]
    for argument in call.arguments:
        value = argument if isinstance(argument, bytes) else b"%d" % argument
        parts.append(b"$%d\r\n%b\r\n" % (len(value), value))
    return b"".join(parts)
