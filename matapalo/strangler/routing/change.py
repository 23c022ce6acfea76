"""An entry of the history: who changed which route, when, why, from what, to what, on what evidence.

A value, written once and never altered. ``version`` is the table's version that the change made.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from matapalo.strangler.errors import InvalidChange
from matapalo.strangler.routing.document import FIRST_VERSION
from matapalo.strangler.routing.route import Route


class Action(StrEnum):
    """The kind of a change."""

    SET = "set"
    COMPLETE = "complete"
    ROLLBACK = "rollback"
    RETIRE = "retire"


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
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
    """The grounds of the decision, for example a gate's verdict with its numbers."""
    restores: int = 0
    """A rollback: the version whose route it restored."""

    def differences(self) -> dict[str, tuple[Any, Any]]:
        """Field to its value before and after, of the fields that differ."""
        names = [field.name for field in msgspec.structs.fields(Route)]
        pairs = {name: (getattr(self.before, name), getattr(self.after, name)) for name in names}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


class RollbackTarget(msgspec.Struct, frozen=True):
    """A route as it was, and the version at which it was so."""

    route: Route
    version: int


def rollback_target(newest_first: Sequence[Change]) -> RollbackTarget:
    """The route before its last change that was not rolled back yet. ``newest_first`` are the changes of one route.

    A second rollback goes one step further back instead of restoring what the first one removed.
    Raises InvalidChange when there is nothing to go back to.
    """
    position = 0
    while position < len(newest_first):
        change = newest_first[position]
        if change.action is not Action.ROLLBACK:
            before = newest_first[position + 1 :]
            return RollbackTarget(change.before, before[0].version if before else FIRST_VERSION)
        # What a rollback restored is as old as `restores`: go on with the change that made that version.
        position = next(
            (at for at in range(position + 1, len(newest_first)) if newest_first[at].version <= change.restores),
            len(newest_first),
        )
    raise InvalidChange("this route has no change to roll back: it is as the table began")


def target_at(newest_first: Sequence[Change], version: int) -> RollbackTarget:
    """The route as it was at a version of the table. Raises InvalidChange when the history does not reach so far."""
    for change in newest_first:
        if change.version <= version:
            return RollbackTarget(change.after, change.version)
    if newest_first and version >= 1:
        return RollbackTarget(newest_first[-1].before, FIRST_VERSION)
    raise InvalidChange(f"the history does not say how this route was at version {version}: give a later one")
