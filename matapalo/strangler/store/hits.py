"""Legacy hits in Redis, read by the agents in their Envoys' logs.

    {gateway:legacy-hits}           hash   since  when counting began, ms
    {gateway:legacy-hits}:<route>   hash   ["app","2.1","Mozilla/5.0"]  {"count": 12, "first_ms": …, "last_ms": …, …}

``since`` shows that counting began anew after the store was emptied: evidence that is lost is no evidence of silence.
Raises RedisUnavailable.
"""

from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import cast

import msgspec
from redis.asyncio import Redis

from matapalo.process.outage import outage
from matapalo.strangler.errors import RedisUnavailable
from matapalo.strangler.routing.hits import Hits, HitsByRoute, LegacyCaller

KEY = "{gateway:legacy-hits}"
MAX_CALLERS = 200
"""Of a route; all further ones are counted together, as UNNAMED."""
UNNAMED = LegacyCaller("(others)")

# KEYS: the route's hash; ARGV: the most callers, the name of all others, then pairs of caller and hits as JSON.
_ADD = """
for at = 3, #ARGV, 2 do
  local caller = ARGV[at]
  local old = redis.call('HGET', KEYS[1], caller)
  if not old and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[1]) then
    caller = ARGV[2]
    old = redis.call('HGET', KEYS[1], caller)
  end
  local sum = cjson.decode(ARGV[at + 1])
  if old then
    old = cjson.decode(old)
    sum['first_ms'] = math.min(sum['first_ms'], old['first_ms'])
    sum['last_ms'] = math.max(sum['last_ms'], old['last_ms'])
    for _, part in ipairs({'count', 'fallbacks', 'writes'}) do sum[part] = sum[part] + old[part] end
  end
  redis.call('HSET', KEYS[1], caller, cjson.encode(sum))
end
"""


class LegacyHits:
    """The counts by route and caller, shared by all processes."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def begin(self, now: datetime) -> None:
        """Note that counting has begun, unless it has before."""
        with outage(RedisUnavailable):
            await self._redis.hsetnx(KEY, "since", str(round(now.timestamp() * 1000)))

    async def since(self) -> datetime | None:
        """When counting began; None when no agent counts."""
        with outage(RedisUnavailable):
            since_ms = await cast("Awaitable[bytes | None]", self._redis.hget(KEY, "since"))
        return None if since_ms is None else datetime.fromtimestamp(int(since_ms) / 1000, UTC)

    async def add(self, hits: HitsByRoute) -> None:
        """Add what was read since the last time."""
        for route, callers in hits.items():
            arguments = [str(MAX_CALLERS), _key_of(UNNAMED)]
            for caller, counts in callers.items():
                arguments += [_key_of(caller), msgspec.json.encode(counts).decode()]
            with outage(RedisUnavailable):
                await cast("Awaitable[None]", self._redis.eval(_ADD, 1, f"{KEY}:{route}", *arguments))

    async def of(self, route: str) -> dict[LegacyCaller, Hits]:
        """The callers that reached the legacy side of this route."""
        with outage(RedisUnavailable):
            by_caller = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(f"{KEY}:{route}"))
        return {
            LegacyCaller(*msgspec.json.decode(caller, type=tuple[str, str, str])): msgspec.json.decode(hits, type=Hits)
            for caller, hits in by_caller.items()
        }


def _key_of(caller: LegacyCaller) -> str:
    return msgspec.json.encode((caller.client, caller.version, caller.agent)).decode()
