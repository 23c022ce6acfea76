"""The store over redis-py: one server (`RedisStore`) or a cluster (`ClusterStore`).

For one server a batch of calls is packed here (RESP) and written at once over connections kept by us, because a reserve
costs 28 µs of client CPU that way, and 4 µs in a batch of 32, against 95 and 16 µs through redis-py's pipeline and 99
and 60 µs through its `evalsha` (docs/decisions/0022); the connections, their log-in and their TLS are still redis-py's.
Nothing is ever sent twice, for it may have been executed; only a script that the server does not know (and so did not
run) is sent again, as its text. Timeouts are the caller's business (`matapalo.ratelimit.store.coalescer`), except that
of connecting.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from matapalo.process.outage import outage
from matapalo.ratelimit.store.ports import Call, Store, StoreUnavailable, config_key
from matapalo.ratelimit.store.scripts import NAMES, script

LONG_IDLE_S = 0.1


def create_store(
    url: str, *, cluster: bool = False, timeout_s: float = 0.05, clock: str | None = None, namespace: str = ""
) -> Store:
    """The store at ``url``; connects when first used. ``clock``: Lua instead of the store's clock, for tests."""
    options: dict[str, Any] = {
        "socket_connect_timeout": timeout_s,
        "socket_timeout": None,
        "retry": Retry(NoBackoff(), 0),
    }
    if cluster:
        return ClusterStore(RedisCluster.from_url(url, **options), clock=clock, namespace=namespace)
    return RedisStore(Redis.from_url(url, **options), timeout_s=timeout_s, clock=clock, namespace=namespace)


class _Configuration:
    """The hash of the configuration, which one server and a cluster keep alike."""

    def __init__(self, client: "Redis | RedisCluster", timeout_s: float, namespace: str) -> None:
        self._client = client
        self._config_key = config_key(namespace)
        self._timeout_s = timeout_s

    async def delete(self, key: str) -> bool:
        return bool(await self._command(self._client.delete(key)))

    async def fields(self, *names: str) -> list[bytes | None]:
        values: list[bytes | None] = await self._command(self._client.hmget(self._config_key, list(names)))
        return values

    async def publish(self, fields: Mapping[str, str | None], *, counter: str) -> None:
        pipe = self._client.pipeline(transaction=True)
        for name, value in fields.items():
            if value is None:
                pipe.hdel(self._config_key, name)
            else:
                pipe.hset(self._config_key, name, value)
        pipe.hincrby(self._config_key, counter, 1)
        await self._command(pipe.execute())

    async def _command(self, awaitable: Any) -> Any:
        with outage(StoreUnavailable):
            async with asyncio.timeout(max(1.0, self._timeout_s)):  # an operator waits, not a request
                return await awaitable


class RedisStore(_Configuration):
    """One Redis or Valkey."""

    def __init__(self, client: Redis, *, timeout_s: float, clock: str | None = None, namespace: str = "") -> None:
        super().__init__(client, timeout_s, namespace)
        self._pool: ConnectionPool = client.connection_pool
        self._idle: list[tuple[AbstractConnection, float]] = []
        self._scripts = {name: script(name, clock=clock) for name in NAMES}
        self._prefixes = {name: _prefix(b"EVALSHA", code.sha.encode()) for name, code in self._scripts.items()}

    async def run(self, calls: Sequence[Call]) -> Sequence[Any]:
        connection, used_s = self._idle.pop() if self._idle else (self._connect(), 0.0)
        loop = asyncio.get_running_loop()
        try:
            with outage(StoreUnavailable):
                if loop.time() - used_s > LONG_IDLE_S and connection.is_connected and await connection.can_read():
                    await connection.disconnect(nowait=True)  # the server closed it meanwhile
                results = await self._send(connection, [_packed(self._prefixes[call.script], call) for call in calls])
                for index, result in enumerate(results):
                    if isinstance(result, NoScriptError):
                        text = _prefix(b"EVAL", self._scripts[calls[index].script].text.encode())
                        (results[index],) = await self._send(connection, [_packed(text, calls[index])])
        except BaseException:
            await connection.disconnect(nowait=True)  # its response would be taken for that of the next command
            raise
        self._idle.append((connection, loop.time()))
        return results

    async def aclose(self) -> None:
        for connection, _ in self._idle:
            await connection.disconnect()
        await self._client.aclose()

    def _connect(self) -> AbstractConnection:
        connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        return connection

    async def _send(self, connection: AbstractConnection, commands: list[bytes]) -> list[Any]:
        await connection.send_packed_command(b"".join(commands), check_health=False)
        return [await _response(connection) for _ in commands]


class ClusterStore(_Configuration):
    """A Redis Cluster. One key a call, so a call is never split; redis-py follows moved slots."""

    def __init__(self, client: RedisCluster, *, clock: str | None = None, namespace: str = "") -> None:
        super().__init__(client, 1.0, namespace)
        self._cluster = client
        self._scripts = {name: script(name, clock=clock) for name in NAMES}

    async def run(self, calls: Sequence[Call]) -> Sequence[Any]:
        with outage(StoreUnavailable):
            results = await self._send("EVALSHA", calls)
            unknown = [index for index, result in enumerate(results) if isinstance(result, NoScriptError)]
            if unknown:
                resent = await self._send("EVAL", [calls[index] for index in unknown])
                for index, result in zip(unknown, resent, strict=True):
                    results[index] = result
            return results

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _send(self, command: str, calls: Sequence[Call]) -> list[Any]:
        pipe = self._cluster.pipeline()
        for call in calls:
            code = self._scripts[call.script]
            text = code.sha if command == "EVALSHA" else code.text
            pipe.execute_command(command, text, 1, call.key, *call.arguments)
        results: list[Any] = await pipe.execute(raise_on_error=False)
        return results


async def _response(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response(timeout=float("inf"))
    except RedisError as error:
        if not connection.is_connected:
            raise
        return error


def _prefix(command: bytes, text: bytes) -> bytes:
    """The command, the script and the number of its keys, as RESP."""
    return b"$%d\r\n%b\r\n$%d\r\n%b\r\n$1\r\n1\r\n" % (len(command), command, len(text), text)


def _packed(prefix: bytes, call: Call) -> bytes:
    key = call.key.encode()
    parts = [b"*%d\r\n%b$%d\r\n%b\r\n" % (4 + len(call.arguments), prefix, len(key), key)]
    for argument in call.arguments:
        value = argument if isinstance(argument, bytes) else b"%d" % argument
        parts.append(b"$%d\r\n%b\r\n" % (len(value), value))
    return b"".join(parts)
