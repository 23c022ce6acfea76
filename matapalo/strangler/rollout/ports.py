"""What a rollout's activities need from outside; joined in `matapalo.strangler.worker`."""

from typing import Protocol

from matapalo.strangler.rollout.messages import Look, Moved, MoveShare, Seen, View


class Table(Protocol):
    """The table of routes and its gates: `matapalo.strangler.rollout.table.RouteTable`."""

    async def move(self, order: MoveShare) -> Moved:
        """Writes a share, or says who was in the way. The same order twice writes once.

        Raises RouteNotFound, InvalidChange, StoreUnavailable.
        """
        ...

    async def look(self, question: Look) -> Seen:
        """What the gates say and what others did. Raises RouteNotFound, StoreUnavailable."""
        ...


class Board(Protocol):
    """Where the last state of every rollout can be read: `matapalo.strangler.rollout.snapshot_store.RedisBoard`."""

    async def show(self, view: View) -> None:
        """Replaces what is shown. Raises StoreUnavailable."""
        ...
