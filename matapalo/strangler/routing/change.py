"""What the history remembers of a change: who changed which route, when, why, from what, to what, on what evidence.

A value, written once and never altered. ``version`` is the table's version that the change made.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from matapalo.strangler.errors import InvalidChange
from matapalo.strangler.routing.route import Route

BEGINNING = 1
"""The version of a table that nobody has changed yet."""


class Action(StrEnum):
    """What kind of change it was."""

    SET = "set"
    COMPLETE = "complete"
    ROLLBACK = "rollback"
    RETIRE = "retire"


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of the history."""

    version: int
    route: str
    action: Action
    at: datetime
    by: str
    """The subject of an operator's token, or ``rollout:<route>``."""
    why: str
    before: Route
    after: Route
    evidence: Mapping[str, Any] = {}
    """What the decision was based on, for example a gate's verdict with its numbers."""
    restores: int = 0
    """A rollback: the version whose route it brought back."""

    def differences(self) -> dict[str, tuple[Any, Any]]:
        """Field to what it was and what it is, of the fields that differ."""
        names = [field.name for field in msgspec.structs.fields(Route)]
        pairs = {name: (getattr(self.before, name), getattr(self.after, name)) for name in names}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


class Undo(msgspec.Struct, frozen=True):
    """A route as it was, and the version at which it was so."""

    route: Route
    version: int


def undo(newest_first: Sequence[Change]) -> Undo:
    """The route before its last change that is not undone yet: a second rollback goes one step further back instead of
    bringing back what the first one removed. ``newest_first`` are the changes of one route.

    Raises InvalidChange when there is nothing to go back to.
    """
    position = 0
    while position < len(newest_first):
        change = newest_first[position]
        if change.action is not Action.ROLLBACK:
            before = newest_first[position + 1 :]
            return Undo(change.before, before[0].version if before else BEGINNING)
        # What a rollback restored is as old as `restores`: go on with the change that made that version.
        position = next(
            (at for at in range(position + 1, len(newest_first)) if newest_first[at].version <= change.restores),
            len(newest_first),
        )
    raise InvalidChange("this route has no change to take back: it is as the table began")


def as_it_was(newest_first: Sequence[Change], version: int) -> Undo:
    """The route as it was at a version of the table. Raises InvalidChange when the history does not reach so far."""
    for change in newest_first:
        if change.version <= version:
            return Undo(change.after, change.version)
    if newest_first and version >= 1:
        return Undo(newest_first[-1].before, BEGINNING)
    raise InvalidChange(f"the history does not say how this route was at version {version}: give a later one")
