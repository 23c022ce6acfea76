"""The activities of a rollout: one call to a collaborator each. Collaborators are Protocols, so no client is imported.

What no repetition can change (a share the rules refuse, a route that is gone) is `REFUSED`, which is not retried.
"""

from temporalio import activity
from temporalio.exceptions import ApplicationError

from matapalo.strangler.errors import InvalidRoutes, RouteNotFound
from matapalo.strangler.rollout.messages import Look, Moved, MoveShare, Seen, View
from matapalo.strangler.rollout.ports import Board, Table

REFUSED = "Refused"


class RolloutActivities:
    """The methods that a worker registers."""

    def __init__(self, *, table: Table, board: Board) -> None:
        self._table = table
        self._board = board

    @activity.defn
    async def move_share(self, order: MoveShare) -> Moved:
        """Write a share, provided that nobody else changed the route."""
        try:
            return await self._table.move(order)
        except (RouteNotFound, InvalidRoutes) as error:
            raise ApplicationError(str(error), type=REFUSED, non_retryable=True) from error

    @activity.defn
    async def ask_gates(self, question: Look) -> Seen:
        """What the gates say, and whether somebody else changed the route."""
        try:
            return await self._table.look(question)
        except RouteNotFound as error:
            raise ApplicationError(str(error), type=REFUSED, non_retryable=True) from error

    @activity.defn
    async def show(self, view: View) -> None:
        """Write the state where operators read it."""
        await self._board.show(view)
