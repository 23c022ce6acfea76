"""The table of routes in Redis, its history, and the reports of the agents.

    {gateway:routes}            hash     version   7
                                         document  {"version": 7, "routes": […], …}
    {gateway:routes}:history    stream   7-0  change  {"version": 7, "route": "things", "by": …, "why": …, …}
    {gateway:routes}:agents     hash     <node>    {"node": …, "version": 7, "is_live": true, …}
    gateway:routes:changed      channel  a message for each write, its text the new version

No process seeds an empty store from a file on its own: agents *offer* what they have applied, with its history, and the
highest version wins, so an emptied store comes back at the version that was live. Raises RedisUnavailable,
StoreConflict, and InvalidRoutes for a document that cannot be read.
"""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import cast

import msgspec
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from matapalo.process.outage import outage
from matapalo.strangler.errors import RedisUnavailable, StoreConflict
from matapalo.strangler.routing.change import Change
from matapalo.strangler.routing.document import RoutesDocument, parse_json, render_json

KEY = "{gateway:routes}"
HISTORY = "{gateway:routes}:history"
AGENTS = "{gateway:routes}:agents"
CHANNEL = "gateway:routes:changed"
PAGE = 200

# A compare-and-set that adds to the history in the same step; the stream's ids are the versions, so nothing can be
# written into the past.
# KEYS: the hash, the history; ARGV: lowest and highest version that may be replaced (0: nothing is there), the new
# version, the document, the channel, then version and change of what is new in the history. Returns nil when it was
# written, else the version that stands in the way.
_WRITE = """
local stored = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
if stored < tonumber(ARGV[1]) or stored > tonumber(ARGV[2]) then return stored end
redis.call('HSET', KEYS[1], 'version', ARGV[3], 'document', ARGV[4])
local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
local last = 0
if newest[1] then last = tonumber(string.match(newest[1][1], '^%d+')) end
for at = 6, #ARGV, 2 do
  if tonumber(ARGV[at]) > last then redis.call('XADD', KEYS[2], ARGV[at] .. '-0', 'change', ARGV[at + 1]) end
end
redis.call('PUBLISH', ARGV[5], ARGV[3])
return nil
"""


class NodeReport(msgspec.Struct, frozen=True, kw_only=True):
    """The state of an Envoy, by its agent. ``version`` is the highest that was applied."""

    node: str
    version: int
    is_live: bool
    at: datetime
    reads_log: bool = False
    """Whether the agent counts requests to legacy."""
    rejected_version: int | None = None
    problem: str | None = None


def connect(url: str) -> Redis:
    """A client that fails within two seconds instead of hanging."""
    return Redis.from_url(url, socket_connect_timeout=1, socket_timeout=2, retry=Retry(NoBackoff(), 1))


class RouteStore:
    """The document, read and written whole; the history, which only grows; the reports of the agents."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._changes: PubSub | None = None

    async def read(self) -> RoutesDocument | None:
        """The document, or None when the store is empty."""
        with outage(RedisUnavailable):
            data = await cast("Awaitable[bytes | None]", self._redis.hget(KEY, "document"))
        return None if data is None else parse_json(data)

    async def replace(self, document: RoutesDocument, *changes: Change) -> None:
        """Write the next version and the changes that led to it. Raises StoreConflict unless the stored one is exactly
        the version before it.
        """
        before = document.version - 1
        if (stored := await self._write(document, changes, lowest=before, highest=before)) is not None:
            raise StoreConflict(
                f"the routes are at version {stored}, not {before}: read them again and repeat the change"
            )

    async def offer(self, document: RoutesDocument, *changes: Change) -> bool:
        """Write a document that was applied, if the store has none or an older one, and those of the changes (oldest
        first) that the history does not reach. Whether it did.
        """
        return await self._write(document, changes, lowest=0, highest=document.version - 1) is None

    async def history(
        self, route: str | None = None, *, limit: int = 50, before: int | None = None, after: int = 0
    ) -> list[Change]:
        """The newest changes first: of one route or of all, of versions below ``before`` and above ``after``."""
        selected: list[Change] = []
        highest = "+" if before is None else f"({before}-0"
        while len(selected) < limit:
            with outage(RedisUnavailable):
                entries = await self._redis.xrevrange(HISTORY, max=highest, min=f"({after}-0", count=PAGE)
            page = cast("list[tuple[bytes, dict[bytes, bytes]]]", entries)
            changes = [msgspec.json.decode(entry[b"change"], type=Change) for _, entry in page]
            selected += [change for change in changes if route in (None, change.route)]
            if len(page) < PAGE:
                break
            highest = f"({changes[-1].version}-0"
        return selected[:limit]

    async def report(self, report: NodeReport) -> None:
        with outage(RedisUnavailable):
            await self._redis.hset(AGENTS, report.node, msgspec.json.encode(report))

    async def reports(self) -> list[NodeReport]:
        """The last report of every node that was not forgotten, by name."""
        with outage(RedisUnavailable):
            by_node = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(AGENTS))
        return [msgspec.json.decode(text, type=NodeReport) for _, text in sorted(by_node.items())]

    async def forget(self, node: str) -> None:
        """Remove the report of a node that does not exist any more."""
        with outage(RedisUnavailable):
            await self._redis.hdel(AGENTS, node)

    async def wait_for_change(self, timeout_s: float) -> None:
        """Return when the document was written, or after ``timeout_s``."""
        with outage(RedisUnavailable):
            if self._changes is None:
                changes = self._redis.pubsub()
                await changes.subscribe(CHANNEL)
                self._changes = changes
                return  # at once: what was written before the subscription is unknown
            try:
                await self._changes.get_message(ignore_subscribe_messages=True, timeout=timeout_s)
            except BaseException:
                lost, self._changes = self._changes, None
                await lost.aclose()  # type: ignore[no-untyped-call]
                raise

    async def close(self) -> None:
        if self._changes is not None:
            await self._changes.aclose()  # type: ignore[no-untyped-call]
        await self._redis.aclose()

    async def _write(
        self, document: RoutesDocument, changes: Sequence[Change], *, lowest: int, highest: int
    ) -> int | None:
        arguments = [str(lowest), str(highest), str(document.version), render_json(document).decode(), CHANNEL]
        for change in changes:
            arguments += [str(change.version), msgspec.json.encode(change).decode()]
        with outage(RedisUnavailable):
            return await cast("Awaitable[int | None]", self._redis.eval(_WRITE, 2, KEY, HISTORY, *arguments))
