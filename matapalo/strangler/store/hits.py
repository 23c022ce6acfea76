"""Legacy hits in Redis: what the agents have read in their Envoys' logs.

    {gateway:legacy-hits}           hash   since  when counting began, ms
    {gateway:legacy-hits}:<route>   hash   ["web","2.1","Mozilla/5.0"]  {"count": 12, "first_ms": …, "last_ms": …, …}

Counting that began anew (a store that was emptied) says so by ``since``: evidence that is lost is no evidence of
silence. A route keeps 200 callers; whoever comes later is counted as one, without a name. Raises StoreUnavailable.
"""

from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import cast

import msgspec
from redis.asyncio import Redis

from matapalo.strangler.routing.hits import Hits, HitsByRoute, LegacyCaller
from matapalo.strangler.store.outage import outage

KEY = "{gateway:legacy-hits}"
MAX_CALLERS = 200
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
    """Adds and reads them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def begin(self, now: datetime) -> None:
        """Notes that counting has begun, unless it has before."""
        with outage():
            await self._redis.hsetnx(KEY, "since", str(_ms(now)))

    async def since(self) -> datetime | None:
        """When counting began; None when nobody counts."""
        with outage():
            found = await cast("Awaitable[bytes | None]", self._redis.hget(KEY, "since"))
        return None if found is None else datetime.fromtimestamp(int(found) / 1000, UTC)

    async def add(self, hits: HitsByRoute) -> None:
        """Adds what was read since the last time."""
        for route, callers in hits.items():
            pairs = [text for pair in callers.items() for text in (_caller_text(pair[0]), _hits_text(pair[1]))]
            arguments = (str(MAX_CALLERS), _caller_text(UNNAMED), *pairs)
            with outage():
                await cast("Awaitable[None]", self._redis.eval(_ADD, 1, f"{KEY}:{route}", *arguments))

    async def of(self, route: str) -> dict[LegacyCaller, Hits]:
        """Who reached the legacy side of this route."""
        with outage():
            found = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(f"{KEY}:{route}"))
        return {
            LegacyCaller(*msgspec.json.decode(caller, type=tuple[str, str, str])): msgspec.json.decode(hits, type=Hits)
            for caller, hits in found.items()
        }


def _caller_text(caller: LegacyCaller) -> str:
    return msgspec.json.encode((caller.client, caller.version, caller.agent)).decode()


def _hits_text(hits: Hits) -> str:
    return msgspec.json.encode(hits).decode()


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
