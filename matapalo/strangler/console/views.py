"""What each page shows, gathered from the reader, and the revisions by which a page learns that a part is outdated.

A page is made of regions. The stream sends every region's revision, a hash of the data it shows; when one differs, the
page fetches itself and takes that region over. So there is one way to render a thing, on the server.
"""

from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from matapalo.strangler.console.live_values import Cells, cells_of
from matapalo.strangler.console.ports import Rollout, Watched
from matapalo.strangler.console.snapshot import Reader, Shown, Snapshot
from matapalo.strangler.errors import StoreUnavailable
from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.route import Route

RANGES: Mapping[int, str] = {15: "15 min", 60: "1 h", 360: "6 h", 1440: "24 h"}
DEFAULT_MINUTES = 15
WINDOWS_IN_TABLE = 20


class Kind(StrEnum):
    """The pages."""

    ROUTES = "routes"
    ROUTE = "route"
    ROLLOUTS = "rollouts"
    HISTORY = "history"
    DECOMMISSION = "decommission"


class View(NamedTuple):
    """A page and what it is about."""

    kind: Kind
    route: str = ""
    minutes: int = DEFAULT_MINUTES

    @classmethod
    def of(cls, kind: str, route: str, minutes: str) -> "View":
        """From a request's words; what is no range is the default one."""
        wanted = int(minutes) if minutes.isascii() and minutes.isdigit() else DEFAULT_MINUTES
        return cls(Kind(kind), route, wanted if wanted in RANGES else DEFAULT_MINUTES)


class Seen(NamedTuple):
    """Everything a page shows. ``values`` are the template's own, by region."""

    snapshot: Snapshot
    cells: Cells
    values: Mapping[str, Any]
    revisions: Mapping[str, str]


async def see(view: View, reader: Reader) -> Seen:
    """What the page shows now. Raises RouteNotFound, and StoreUnavailable where a page is about one route."""
    snapshot = await reader.snapshot()
    regions: Mapping[str, Any]
    match view.kind:
        case Kind.ROUTES:
            regions = {"routes": snapshot.table.value}
        case Kind.ROUTE:
            regions = await _route(view.route, snapshot, reader)
        case Kind.ROLLOUTS:
            regions = {"rollouts": snapshot.rollouts}
        case Kind.HISTORY:
            regions = {"history": await reader.history()}
        case Kind.DECOMMISSION:
            names = [route.name for route in snapshot.table.value.routes] if snapshot.table.value else []
            regions = {"evidence": await reader.evidence(names)}
    regions = {**regions, "problems": problems_of(snapshot)}
    return Seen(snapshot, cells_of(snapshot), regions, {name: revision(data) for name, data in regions.items()})


async def _route(name: str, snapshot: Snapshot, reader: Reader) -> Mapping[str, Any]:
    document, route = found(snapshot, name)
    details = await reader.details(name)
    watched: Watched | None = snapshot.watched.or_else({}).get(name)
    rollout: Rollout | None = snapshot.rollouts.or_else({}).get(name)
    return {
        "route": (route, document.revision(name)),
        "gates": Shown(
            [(one.gate, one.verdict) for one in watched.findings] if watched else [], snapshot.watched.problem
        ),
        "rollout": Shown(rollout, snapshot.rollouts.problem),
        "differences": details.comparison,
        "history": details.history,
        "evidence": details.evidence,
    }


def found(snapshot: Snapshot, name: str) -> tuple[RoutesDocument, Route]:
    """The route with the document it is in."""
    if snapshot.table.value is None:
        raise StoreUnavailable(snapshot.table.problem or "the store has no routes yet")
    return snapshot.table.value, snapshot.table.value.route(name)


def prefixes_of(snapshot: Snapshot) -> Mapping[str, str]:
    """The path of each route, by its name."""
    return {route.name: route.prefix for route in snapshot.table.value.routes} if snapshot.table.value else {}


def problems_of(snapshot: Snapshot) -> tuple[str, ...]:
    """What cannot be read now, each sentence once."""
    return tuple(dict.fromkeys(part.problem for part in snapshot if part.problem))


def revision(data: object) -> str:
    """Equal exactly when the data is."""
    return sha256(msgspec.json.encode(data, order="sorted")).hexdigest()[:12]
