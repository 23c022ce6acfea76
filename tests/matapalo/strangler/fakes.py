"""Stand-ins for what an agent talks to. `FakeStore` passes the suite of the real store (store/test_routes.py)."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from matapalo.strangler.errors import EnvoyUnreachable, StoreConflict, StoreUnavailable
from matapalo.strangler.routing.change import Change
from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.store.routes import NodeReport


class FakeStore:
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
        found = [change for change in reversed(self.changes) if route in (None, change.route)]
        return [change for change in found if after < change.version < (before or change.version + 1)][:limit]

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
            raise StoreUnavailable("Redis does not answer: it is down")


class FakeEnvoy:
    """An Envoy that obeys what is in a folder, except the files it refuses. Not running at first."""

    def __init__(self, folder: Path) -> None:
        self.is_running = False
        self.refuses: set[str] = set()
        self.obeyed: dict[str, str] = {}
        self._folder = folder

    async def live_versions(self) -> Mapping[str, str]:
        if not self.is_running:
            raise EnvoyUnreachable("Envoy does not answer")
        for file in self._folder.glob("?ds*.json"):
            if file.name not in self.refuses:
                self.obeyed[file.name] = json.loads(file.read_text())["version_info"]
        return dict(self.obeyed)


class ImpatientClock:
    """A clock on which every question takes five seconds, so that waiting comes to its end at once."""

    def __init__(self) -> None:
        self._passed_s = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._passed_s)

    def monotonic_s(self) -> float:
        self._passed_s += 5.0
        return self._passed_s
