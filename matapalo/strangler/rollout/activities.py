"""The activities of a rollout: one call to a collaborator each.

Collaborators are Protocols, because the workflow imports this module and its sandbox bears no client of Redis.
"""

from dataclasses import dataclass
from typing import Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError

from matapalo.strangler.errors import InvalidRoutes, RouteNotFound
from matapalo.strangler.rollout.messages import CheckGates, GateReport, Moved, MoveShare, RolloutState

REFUSED = "Refused"
"""The type of an error that no retry can change: a share the rules refuse, a route that does not exist."""


class RouteTable(Protocol):
    """The table of routes, and the gates of a route."""

    async def move(self, request: MoveShare) -> Moved:
        """Write a share, unless an external change is in the way. The same request twice writes once.

        Raises RouteNotFound, InvalidChange, RedisUnavailable.
        """
        ...

    async def check(self, request: CheckGates) -> GateReport:
        """Judge the current step, and report external changes. Raises RouteNotFound, RedisUnavailable."""
        ...


class SnapshotStore(Protocol):
    """Where the last state of every rollout can be read without Temporal."""

    async def save(self, state: RolloutState) -> None:
        """Replace the route's snapshot. Raises RedisUnavailable."""
        ...


@dataclass(frozen=True)
class RolloutActivities:
    table: RouteTable
    snapshots: SnapshotStore

    @activity.defn
    async def move_share(self, request: MoveShare) -> Moved:
        try:
            return await self.table.move(request)
        except (RouteNotFound, InvalidRoutes) as error:
            raise ApplicationError(str(error), type=REFUSED, non_retryable=True) from error

    @activity.defn
    async def check_gates(self, request: CheckGates) -> GateReport:
        try:
            return await self.table.check(request)
        except RouteNotFound as error:
            raise ApplicationError(str(error), type=REFUSED, non_retryable=True) from error

    @activity.defn
    async def save_snapshot(self, state: RolloutState) -> None:
        await self.snapshots.save(state)
