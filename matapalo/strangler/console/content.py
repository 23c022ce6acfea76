"""The content of each page, gathered from the reader, and the revisions by which a page learns that a part is outdated.

A page is made of regions. The stream sends every region's revision, a hash of the data it shows; when one differs, the
page fetches itself and takes that region over. So there is one way to render a thing, on the server.
"""

from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from matapalo.strangler.console.live_values import LiveValues, live_values
from matapalo.strangler.console.presenters import Plan
from matapalo.strangler.console.snapshot import Reader, Section, Snapshot
from matapalo.strangler.errors import RedisUnavailable

RANGES: Mapping[int, str] = {15: "15 min", 60: "1 h", 360: "6 h", 1440: "24 h"}
DEFAULT_MINUTES = 15
WINDOWS_IN_TABLE = 20


class PageKind(StrEnum):
    """Which template shows it."""

    ROUTES = "routes"
    ROUTE = "route"
    ROLLOUTS = "rollouts"
    HISTORY = "history"
    DECOMMISSION = "decommission"


class Page(NamedTuple):
    kind: PageKind
    route: str = ""
    minutes: int = DEFAULT_MINUTES

    @classmethod
    def of(cls, kind: str, route: str, minutes: str) -> "Page":
        """From a request's words; what is no range is the default one."""
        number = int(minutes) if minutes.isascii() and minutes.isdigit() else DEFAULT_MINUTES
        return cls(PageKind(kind), route, number if number in RANGES else DEFAULT_MINUTES)


class PageContent(NamedTuple):
    """Everything a page shows. ``regions`` are the template's own values, by region."""

    snapshot: Snapshot
    live: LiveValues
    regions: Mapping[str, Any]
    revisions: Mapping[str, str]

    @property
    def prefixes(self) -> Mapping[str, str]:
        table = self.snapshot.table.value
        return {route.name: route.prefix for route in table.routes} if table else {}


async def read_content(page: Page, reader: Reader) -> PageContent:
    """What the page shows now. Raises RouteNotFound, and RedisUnavailable where a page is about one route."""
    snapshot = await reader.snapshot()
    regions: Mapping[str, Any]
    match page.kind:
        case PageKind.ROUTES:
            regions = {"routes": snapshot.table.value}
        case PageKind.ROUTE:
            regions = await _route_regions(page.route, snapshot, reader)
        case PageKind.ROLLOUTS:
            plans = {name: Plan.of(view) for name, view in snapshot.rollouts.or_else({}).items()}
            regions = {"rollouts": Section(plans, snapshot.rollouts.problem)}
        case PageKind.HISTORY:
            regions = {"history": await reader.history()}
        case PageKind.DECOMMISSION:
            names = [route.name for route in snapshot.table.value.routes] if snapshot.table.value else []
            regions = {"evidence": await reader.evidence(names)}
    problems = tuple(dict.fromkeys(part.problem for part in snapshot if part.problem))
    regions = {**regions, "problems": problems}
    revisions = {name: revision_of(data) for name, data in regions.items()}
    return PageContent(snapshot, live_values(snapshot), regions, revisions)


async def _route_regions(name: str, snapshot: Snapshot, reader: Reader) -> Mapping[str, Any]:
    document = snapshot.table.value
    if document is None:
        raise RedisUnavailable(snapshot.table.problem or "the store has no routes yet")
    route, details = document.route(name), await reader.details(name)
    metrics, rollout = snapshot.metrics.or_else({}).get(name), snapshot.rollouts.or_else({}).get(name)
    checks = [(check.name, check.outcome) for check in metrics.verdict.checks] if metrics else []
    return {
        "route": (route, document.revision(name)),
        "gates": Section(checks, snapshot.metrics.problem),
        "rollout": Section(Plan.of(rollout) if rollout else None, snapshot.rollouts.problem),
        "differences": details.differences,
        "history": details.history,
        "evidence": details.evidence,
    }


def revision_of(data: object) -> str:
    """Equal exactly when the data is."""
    return sha256(msgspec.json.encode(data, order="sorted")).hexdigest()[:12]
