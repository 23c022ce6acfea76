"""The last state of every rollout in Redis, so that it can be read without Temporal and without a worker.

    gateway:rollouts    hash  <route> -> RolloutState (JSON)

Written by the rollout itself at every change and every time its gates were checked: an emptied Redis fills again.
Raises RedisUnavailable.
"""

from collections.abc import Awaitable
from typing import cast

import msgspec
from redis.asyncio import Redis

from matapalo.process.outage import outage
from matapalo.strangler.errors import RedisUnavailable
from matapalo.strangler.rollout.messages import RolloutState

KEY = "gateway:rollouts"


class RedisSnapshotStore:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def save(self, state: RolloutState) -> None:
        with outage(RedisUnavailable):
            await self._redis.hset(KEY, state.route, msgspec.json.encode(state))

    async def read(self) -> dict[str, RolloutState]:
        """The last rollout of each route that ever had one, by route name."""
        with outage(RedisUnavailable):
            snapshots = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(KEY))
        states = [msgspec.json.decode(text, type=RolloutState) for text in snapshots.values()]
        return {state.route: state for state in sorted(states, key=lambda state: state.route)}

    async def get(self, route: str) -> RolloutState | None:
        return (await self.read()).get(route)
