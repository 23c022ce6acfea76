"""The stores and an Envoy in memory. `FakeRouteStore` and `FakeLegacyHits` pass the suites of what they stand for
(store/test_routes.py, store/test_hits.py); `FakeEnvoy` serves the real client of the admin socket.
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from matapalo.strangler.agent.admin import STATISTICS, EnvoyAdmin
from matapalo.strangler.errors import RedisUnavailable, StoreConflict
from matapalo.strangler.routing.change import Change
from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.hits import Hits, HitsByRoute, LegacyCaller
from matapalo.strangler.store.hits import MAX_CALLERS, UNNAMED, LegacyHits
from matapalo.strangler.store.routes import NodeReport, RouteStore


class FakeRouteStore(RouteStore):
    """The store in memory. ``is_down`` makes it unreachable."""

    def __init__(self, document: RoutesDocument | None = None) -> None:
        self.document = document
        self.changes: list[Change] = []
        self.agents: dict[str, NodeReport] = {}
        self.is_down = False
        self._changed = asyncio.Event()

    async def read(self) -> RoutesDocument | None:
        self._check()
        return self.document

    async def replace(self, document: RoutesDocument, *changes: Change) -> None:
        self._check()
        stored = self.document.version if self.document else 0
        if stored != document.version - 1:
            raise StoreConflict(
                f"the routes are at version {stored}, not {document.version - 1}: read them again and repeat the change"
            )
        self._put(document, changes)

    async def offer(self, document: RoutesDocument, *changes: Change) -> bool:
        self._check()
        if self.document is not None and self.document.version >= document.version:
            return False
        self._put(document, changes)
        return True

    async def history(
        self, route: str | None = None, *, limit: int = 50, before: int | None = None, after: int = 0
    ) -> list[Change]:
        self._check()
        changes = [change for change in reversed(self.changes) if route in (None, change.route)]
        return [change for change in changes if after < change.version < (before or change.version + 1)][:limit]

    async def report(self, report: NodeReport) -> None:
        self._check()
        self.agents[report.node] = report

    async def reports(self) -> list[NodeReport]:
        self._check()
        return [self.agents[node] for node in sorted(self.agents)]

    async def forget(self, node: str) -> None:
        self._check()
        self.agents.pop(node, None)

    async def wait_for_change(self, timeout_s: float) -> None:
        self._check()
        try:
            await asyncio.wait_for(self._changed.wait(), timeout_s)
        except TimeoutError:
            return
        self._changed.clear()

    def _put(self, document: RoutesDocument, changes: Sequence[Change]) -> None:
        newest = self.changes[-1].version if self.changes else 0
        self.changes += [change for change in changes if change.version > newest]
        self.document = document
        self._changed.set()

    def _check(self) -> None:
        if self.is_down:
            raise RedisUnavailable("Redis does not answer: it is down")


class FakeLegacyHits(LegacyHits):
    """Counts of legacy hits in memory. ``is_down`` makes them unreachable."""

    def __init__(self) -> None:
        self.is_down = False
        self._since: datetime | None = None
        self._by_route: HitsByRoute = {}

    async def begin(self, now: datetime) -> None:
        self._check()
        self._since = self._since or now

    async def since(self) -> datetime | None:
        self._check()
        return self._since

    async def add(self, hits: HitsByRoute) -> None:
        self._check()
        for route, callers in hits.items():
            counts = self._by_route.setdefault(route, {})
            for caller, added in callers.items():
                key = caller if caller in counts or len(counts) < MAX_CALLERS else UNNAMED
                counts[key] = counts[key] + added if key in counts else added

    async def of(self, route: str) -> dict[LegacyCaller, Hits]:
        self._check()
        return dict(self._by_route.get(route, {}))

    def _check(self) -> None:
        if self.is_down:
            raise RedisUnavailable("Redis does not answer: it is down")


class FakeEnvoy(httpx.AsyncBaseTransport):
    """An Envoy in which the files of a folder are live, except those it refuses. Not running at first."""

    def __init__(self, folder: Path) -> None:
        self.is_running = False
        self.refuses: set[str] = set()
        self.live: dict[str, str] = {}
        self.admin = EnvoyAdmin(Path("admin.sock"), transport=self)
        self._folder = folder

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self.is_running:
            raise httpx.ConnectError("it is down")
        for file in self._folder.glob("?ds*.json"):
            if file.name not in self.refuses:
                self.live[file.name] = json.loads(file.read_text())["version_info"]
        readouts = (f'{name}: "{self.live[file]}"\n' for name, file in STATISTICS.items() if file in self.live)
        return httpx.Response(200, text="".join(readouts))


class ImpatientClock:
    """A clock that advances five seconds at every reading, so that waiting ends at once."""

    def __init__(self) -> None:
        self._passed_s = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._passed_s)

    def monotonic_s(self) -> float:
        self._passed_s += 5.0
        return self._passed_s
