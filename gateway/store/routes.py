"""The table of routes in Redis: one hash, one channel.

    gateway:routes            version   7
                              document  {"version": 7, "routes": […]}
    gateway:routes:changed    a message for each write, its text the new version

Every write is a compare-and-set in one script. Nobody seeds an empty store from a file on his own: agents *offer* what
they have applied, and the highest version wins, so an emptied store comes back at the version that was live.
Raises StoreUnavailable, StoreConflict, and InvalidRoutes for a document nobody can read.
"""

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import cast

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.errors import StoreConflict, StoreUnavailable
from gateway.routing.document import RoutesDocument, parse_json, render_json

KEY = "gateway:routes"
CHANNEL = "gateway:routes:changed"

# KEYS[1] the hash, KEYS[2] the channel; ARGV: lowest and highest version that may be replaced (0: nothing is there),
# the new version, the document. Answers nil when it was written, else the version that stands in the way.
_WRITE = """
local stored = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
if stored < tonumber(ARGV[1]) or stored > tonumber(ARGV[2]) then return stored end
redis.call('HSET', KEYS[1], 'version', ARGV[3], 'document', ARGV[4])
redis.call('PUBLISH', KEYS[2], ARGV[3])
return nil
"""


def connect(url: str) -> Redis:
    """A client that fails within two seconds instead of hanging."""
    return Redis.from_url(url, socket_connect_timeout=1, socket_timeout=2, retry=Retry(NoBackoff(), 1))


class RouteStore:
    """The document, read and written whole."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._changes: PubSub | None = None

    async def read(self) -> RoutesDocument | None:
        """The document, or None when the store is empty."""
        with _outage():
            data = await cast("Awaitable[bytes | None]", self._redis.hget(KEY, "document"))
        return None if data is None else parse_json(data)

    async def replace(self, document: RoutesDocument) -> None:
        """Writes the next version. Raises StoreConflict unless the stored one is exactly the version before it."""
        before = document.version - 1
        if (stored := await self._write(document, lowest=before, highest=before)) is not None:
            raise StoreConflict(
                f"the routes are at version {stored}, not {before}: read them again and repeat the change"
            )

    async def offer(self, document: RoutesDocument) -> bool:
        """Writes a document that was applied, if the store has none or an older one. Whether it did."""
        return await self._write(document, lowest=0, highest=document.version - 1) is None

    async def wait_for_change(self, timeout_s: float) -> None:
        """Returns when somebody has written, or after ``timeout_s``; at once when the subscription is new, because
        nobody knows what happened before it."""
        with _outage():
            if self._changes is None:
                changes = self._redis.pubsub()
                await changes.subscribe(CHANNEL)
                self._changes = changes
                return
            try:
                await self._changes.get_message(ignore_subscribe_messages=True, timeout=timeout_s)
            except BaseException:
                lost, self._changes = self._changes, None
                await lost.aclose()  # type: ignore[no-untyped-call]
                raise

    async def close(self) -> None:
        """Closes the subscription and the connections."""
        if self._changes is not None:
            await self._changes.aclose()  # type: ignore[no-untyped-call]
        await self._redis.aclose()

    async def _write(self, document: RoutesDocument, *, lowest: int, highest: int) -> int | None:
        arguments = (str(lowest), str(highest), str(document.version), render_json(document).decode())
        with _outage():
            return await cast("Awaitable[int | None]", self._redis.eval(_WRITE, 2, KEY, CHANNEL, *arguments))


@contextmanager
def _outage() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis does not answer: {error}") from error
