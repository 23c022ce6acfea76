"""Changing the table: the one way in for operators, rollouts, decommission and the console.

    changes = Changes(store, upstreams=settings.upstreams, clock=clock)
    change = await changes.set_route("things", {"share_bp": 4000}, by="op_1", why="the first week was quiet")
    await changes.rollback("/api/things", by="op_1", why="complaints")

A route is named by its name or by a path it covers. Every change is validated against the whole table, written by
compare-and-set, and recorded in the same step. Two changes of different routes at once both succeed; of two changes of
one route the later is refused when it carries the revision it was made from (``expected``).

Raises RouteNotFound, InvalidChange, PreconditionFailed, StoreConflict (many tries in vain), RedisUnavailable.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from matapalo.process.clock import Clock
from matapalo.strangler.errors import InvalidChange, PreconditionFailed, RedisUnavailable, StoreConflict
from matapalo.strangler.routing.change import Action, Change, rollback_target, target_at
from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.route import WHOLE_BP, Route, Side
from matapalo.strangler.routing.validate import find_problems
from matapalo.strangler.store.routes import RouteStore

TRIES = 10
FIXED = frozenset({"name", "prefix", "seed", "retired"})
"""What a change cannot alter: another seed would move users from side to side, and `retire` has conditions."""
SETTABLE = tuple(name for name in Route.__struct_fields__ if name not in FIXED)
LONGEST_WHY = 500
ALL = 1_000_000


@dataclass(frozen=True)
class Changes:
    """Reads and changes the table. Holds nothing but its collaborators: any number of them may exist."""

    store: RouteStore
    upstreams: Collection[str]
    clock: Clock

    async def document(self) -> RoutesDocument:
        """The table. Raises RedisUnavailable also when the store is empty, which is never an instruction."""
        document = await self.store.read()
        if document is None:
            raise RedisUnavailable("the store has no routes yet: an agent brings them when it reaches the store")
        return document

    async def set_route(
        self,
        route: str,
        fields: Mapping[str, Any],
        *,
        by: str,
        why: str,
        expected: int | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> Change:
        """Alter some fields (those of `Route` that are SETTABLE, JSON values allowed) and leave the others."""
        altered = partial(_altered, fields=fields)
        return await self._change(route, Action.SET, altered, by=by, why=why, expected=expected, evidence=evidence)

    async def complete(
        self,
        route: str,
        *,
        by: str,
        why: str,
        expected: int | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> Change:
        """Move everything to the new side: reads and writes, without rules that name legacy and without a fallback."""
        return await self._change(
            route, Action.COMPLETE, _completed, by=by, why=why, expected=expected, evidence=evidence
        )

    async def retire(self, route: str, *, by: str, why: str, evidence: Mapping[str, Any], expected: int) -> Change:
        """Remove the legacy branch. `matapalo.strangler.decommission.report` judges whether that is safe."""

        def retired(before: Route) -> Route:
            return msgspec.structs.replace(before, retired=True, fallback=False, shadow_bp=0)

        return await self._change(route, Action.RETIRE, retired, by=by, why=why, expected=expected, evidence=evidence)

    async def rollback(
        self,
        route: str,
        *,
        by: str,
        why: str,
        to: int | None = None,
        expected: int | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> Change:
        """Restore the route as it was before its last change, or at version ``to`` of the table.

        Every further rollback goes one step further back.
        """
        document = await self.document()
        name = document.route(route).name
        self._check(document, document.route(name), expected, None)
        past = await self.store.history(name, limit=ALL)
        target = rollback_target(past) if to is None else target_at(past, to)
        return await self._change(
            name,
            Action.ROLLBACK,
            lambda before: target.route,
            by=by,
            why=why,
            expected=expected,
            evidence=evidence,
            restores=target.version,
            seen=past[0].version if past else None,
        )

    async def history(
        self, route: str | None = None, *, limit: int = 50, before: int | None = None, after: int = 0
    ) -> Sequence[Change]:
        """The newest changes first, of one route or of all, of versions below ``before`` and above ``after``."""
        name = None if route is None else (await self.document()).route(route).name
        return await self.store.history(name, limit=limit, before=before, after=after)

    async def _change(
        self,
        route: str,
        action: Action,
        altered: Callable[[Route], Route],
        *,
        by: str,
        why: str,
        expected: int | None,
        evidence: Mapping[str, Any] | None,
        restores: int = 0,
        seen: int | None = None,
    ) -> Change:
        if not why.strip() or len(why) > LONGEST_WHY:
            raise InvalidChange(f"say why, in 1 to {LONGEST_WHY} characters: the history keeps it for its readers")
        for _ in range(TRIES):
            document = await self.document()
            before = document.route(route)
            self._check(document, before, expected, seen)
            after = altered(before)
            if after == before:
                raise InvalidChange(f"route {before.name!r} is already like this: nothing would change")
            following = document.with_route(after)
            if problems := [*find_problems(following.routes, upstreams=self.upstreams)]:
                raise InvalidChange(*problems)
            change = Change(
                version=following.version,
                route=before.name,
                action=action,
                at=self.clock.now(),
                by=by,
                why=why.strip(),
                before=before,
                after=after,
                evidence=evidence or {},
                restores=restores,
            )
            try:
                await self.store.replace(following, change)
            except StoreConflict:
                continue
            return change
        raise StoreConflict(f"others changed the table {TRIES} times in a row: try again")

    def _check(self, document: RoutesDocument, route: Route, expected: int | None, seen: int | None) -> None:
        revision = document.revision(route.name)
        if expected is not None and expected != revision:
            raise PreconditionFailed(
                f"route {route.name!r} was changed at version {revision}, and you saw it at {expected}: look at it "
                "again (its history says who changed it and why), then repeat the change"
            )
        if seen is not None and seen < revision:
            raise StoreConflict(f"route {route.name!r} was changed meanwhile: look at it again")


def _altered(before: Route, fields: Mapping[str, Any]) -> Route:
    for name in fields:
        if name in FIXED:
            raise InvalidChange(f"{name} of a route cannot be changed: make another route, and retire this one")
        if name not in SETTABLE:
            raise InvalidChange(f"a route has no {name!r}: its fields are {', '.join(SETTABLE)}")
    if before.retired:
        raise InvalidChange(f"route {before.name!r} is retired and has no other side: roll its decommission back first")
    try:
        return msgspec.convert({**msgspec.to_builtins(before), **msgspec.to_builtins(dict(fields))}, Route)
    except msgspec.ValidationError as error:
        raise InvalidChange(f"route {before.name!r}: {error}") from error


def _completed(before: Route) -> Route:
    return msgspec.structs.replace(
        before,
        share_bp=WHOLE_BP,
        writes=Side.NEW,
        canary=tuple(rule for rule in before.canary if rule.side is Side.NEW),
        cohorts=tuple(rule for rule in before.cohorts if rule.side is Side.NEW),
        fallback=False,
    )
