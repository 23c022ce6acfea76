"""The last state of every rollout in Redis, so that it can be read without Temporal and without a worker.

    gateway:rollouts    hash  <route> -> View (JSON)

Written by the rollout itself at every change and every time its gates were asked: an emptied Redis fills again.
Raises StoreUnavailable.
"""

from collections.abc import Awaitable
from typing import cast

import msgspec
from redis.asyncio import Redis

from matapalo.strangler.rollout.messages import View
from matapalo.strangler.store.outage import outage

KEY = "gateway:rollouts"


class RedisBoard:
    """The `Board` of `matapalo.strangler.rollout.ports`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def show(self, view: View) -> None:
        """Replaces what is shown."""
        with outage():
            await self._redis.hset(KEY, view.route, msgspec.json.encode(view))

    async def read(self) -> dict[str, View]:
        """The last rollout of each route that ever had one."""
        with outage():
            found = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(KEY))
        views = [msgspec.json.decode(text, type=View) for text in found.values()]
        return {view.route: view for view in sorted(views, key=lambda view: view.route)}

    async def of(self, route: str) -> View | None:
        """The last rollout of a route."""
        return (await self.read()).get(route)
