"""The agent beside an Envoy: it renders the routes document to files, and reads back which of them are live.

    store ──read──▶ newest valid document ──render──▶ folder ──rename──▶ Envoy ──version_text──▶ status

An empty store is never an instruction, and neither is an older, an invalid or an unreachable one: the files stay. What
the agent has applied it offers to a store that has less, so an emptied store is filled again with what was live. Raises
nothing once it has begun: problems are in its status.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from msgspec import structs

from matapalo.auth.keys import KeySource
from matapalo.process.clock import Clock
from matapalo.strangler.agent.admin import EnvoyAdmin
from matapalo.strangler.agent.folder import MAX_CHANGES, EnvoyFolder
from matapalo.strangler.envoy.render import EnvoyFile, render
from matapalo.strangler.errors import EnvoyRefused, EnvoyUnreachable, InvalidRoutes, RedisUnavailable
from matapalo.strangler.routing.document import FIRST_VERSION, RoutesDocument, parse_toml
from matapalo.strangler.routing.route import Route
from matapalo.strangler.routing.validate import validated
from matapalo.strangler.settings import Settings
from matapalo.strangler.store.routes import NodeReport, RouteStore

logger = logging.getLogger(__name__)

POLL_S = 1.0
"""The store is also read without a message: one may get lost."""
REFUSED_AFTER_S = 10.0
"""Envoy takes a file within some 10 ms (a second with 500 routes), and says only in its log that it did not."""
READ_BACK_S = 0.002
REPORT_EVERY_S = 2.0


@dataclass
class AgentStatus:
    """The agent's state. ``written`` and ``live``: file to the version that was written, and that is live in Envoy."""

    applied: RoutesDocument | None = None
    applied_at: datetime | None = None
    written: Mapping[str, str] = field(default_factory=dict)
    live: Mapping[str, str] = field(default_factory=dict)
    store_problem: str | None = None
    envoy_problem: str | None = None
    rejected_version: int | None = None
    rejected_because: tuple[str, ...] = ()
    reads_log: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether Envoy can start from the files."""
        return self.applied is not None

    @property
    def is_live(self) -> bool:
        return self.is_ready and self.live == self.written


class Agent:
    """The agent of one Envoy: ``begin``, then ``follow`` for as long as the process lives."""

    def __init__(
        self,
        settings: Settings,
        keys: KeySource,
        *,
        store: RouteStore,
        envoy: EnvoyAdmin,
        folder: EnvoyFolder,
        clock: Clock,
        on_change: Callable[[AgentStatus], None] = lambda status: None,
        poll_s: float = POLL_S,
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._store = store
        self._envoy = envoy
        self._folder = folder
        self._clock = clock
        self._on_change = on_change
        self._poll_s = poll_s
        self._reported: NodeReport | None = None
        self._history_version = 0
        """Up to which the folder has the history."""
        self.status = AgentStatus()

    async def begin(self) -> None:
        """Write files to start from: the newest valid of the store's document and the folder's, else `routes.toml`.

        Raises InvalidRoutes when there is nothing but a `routes.toml` that is not valid.
        """
        documents = [document for document in (await self._stored(), self._folder.document()) if document is not None]
        for document in sorted(documents, key=lambda document: document.version, reverse=True):
            if await self._apply_if_valid(document):
                return
        first = RoutesDocument(FIRST_VERSION, self._routes_file())
        validated(first.routes, upstreams=self._settings.upstreams)
        await self._apply_if_valid(first)

    async def follow(self) -> None:
        """Keep the files at the store's document until cancelled."""
        while True:
            try:
                await self.step()
            except Exception:  # the data plane must outlive every surprise in its control plane
                logger.exception("a step of the agent failed; the files stay as they are")
                await asyncio.sleep(self._poll_s)

    async def step(self) -> None:
        """Wait for a change or a moment, reconcile with the store, read back."""
        try:
            await self._store.wait_for_change(self._poll_s)
        except RedisUnavailable as error:
            self._note_store(str(error))
            await asyncio.sleep(self._poll_s)
        else:
            await self._reconcile(await self._stored())
        if self.status.applied is None:
            await self.begin()
        await self._read_back()
        await self._report()

    def note_log(self, is_read: bool) -> None:
        self.status.reads_log = is_read

    async def _reconcile(self, stored: RoutesDocument | None) -> None:
        applied = self.status.applied
        if applied is None or self.status.store_problem is not None:
            return
        if stored is not None and stored.version > applied.version:
            await self._apply_if_valid(stored)
        elif stored is None or stored.version < applied.version:
            if await self._store.offer(applied, *reversed(self._folder.history())):
                logger.info("the store had no version as new as %d: it is restored", applied.version)
        else:
            await self._save_history(applied)

    async def _save_history(self, applied: RoutesDocument) -> None:
        """Save the changes that led to what is applied, for a store that might lose them."""
        if self._history_version >= applied.version:
            return
        newest = next((change.version for change in self._folder.history()), 0)
        changes = await self._store.history(limit=MAX_CHANGES, before=applied.version + 1, after=newest)
        self._folder.extend_history(changes)
        self._history_version = applied.version

    async def _report(self) -> None:
        status, now = self.status, self._clock.now()
        if status.applied is None:
            return
        report = NodeReport(
            node=self._settings.node_id,
            version=status.applied.version,
            is_live=status.is_live,
            at=now,
            reads_log=status.reads_log,
            rejected_version=status.rejected_version,
            problem=next(iter(status.rejected_because), status.envoy_problem),
        )
        last = self._reported
        if last and (now - last.at).total_seconds() < REPORT_EVERY_S and structs.replace(last, at=now) == report:
            return
        try:
            await self._store.report(report)
        except RedisUnavailable as error:
            self._note_store(str(error))
        else:
            self._reported = report

    async def _stored(self) -> RoutesDocument | None:
        try:
            document = await self._store.read()
        except (RedisUnavailable, InvalidRoutes) as error:
            self._note_store(str(error))
            return None
        self._note_store(None)
        return document

    async def _apply_if_valid(self, document: RoutesDocument) -> bool:
        try:
            await self._apply(document)
        except (InvalidRoutes, EnvoyRefused) as error:
            if self.status.rejected_version != document.version:
                logger.error("version %d of the routes is not applied: %s", document.version, error)
            self.status.rejected_version = document.version
            self.status.rejected_because = tuple(str(error).splitlines())
            self._on_change(self.status)
            return False
        return True

    async def _apply(self, document: RoutesDocument) -> None:
        validated(document.routes, upstreams=self._settings.upstreams)
        applied = self.status.applied
        rendered = render(document, self._settings, self._keys, previous=applied.routes if applied else ())
        files = tuple(map(self._unless_unchanged, rendered))
        await self._write(files)
        self._folder.save_document(document)
        self.status.applied, self.status.applied_at = document, self._clock.now()
        self.status.written = {file.name: file.version for file in files if file.version}
        if document.version >= (self.status.rejected_version or 0):
            self.status.rejected_version, self.status.rejected_because = None, ()
        logger.info("version %d of the routes is written", document.version)
        await self._read_back()

    def _unless_unchanged(self, file: EnvoyFile) -> EnvoyFile:
        """The file in the folder when its content is the same: Envoy then has nothing to parse."""
        version = self._folder.version(file.name)
        return file.as_version(version) if version and file.has_content_of(version) else file

    async def _write(self, files: Sequence[EnvoyFile]) -> None:
        """Write clusters, then the route tables, each step when the one before is live.

        Without an Envoy (before its first start) everything is written at once.
        """
        before: dict[str, str] = {}
        try:
            for _, together in groupby(files, key=lambda file: file.name.partition(".")[0]):
                step = [*together]
                for file in step:
                    if (text := self._folder.write(file.name, file.text)) is not None:
                        before[file.name] = text
                for file in step:
                    if file.version:
                        await self._until_live(file)
        except EnvoyRefused:
            # All files go back: with one that it refuses, Envoy would not come up again after its next restart.
            for name, text in reversed(before.items()):
                self._folder.write(name, text)
            raise

    async def _until_live(self, file: EnvoyFile) -> None:
        """Return when the file is live, or there is no Envoy. Raises EnvoyRefused when it is not live in time."""
        give_up_at_s = self._clock.monotonic_s() + REFUSED_AFTER_S
        while True:
            try:
                live = await self._envoy.live_versions()
            except EnvoyUnreachable:
                return
            if live.get(file.name) == file.version:
                return
            if self._clock.monotonic_s() > give_up_at_s:
                raise EnvoyRefused(f"Envoy did not take {file.name} version {file.version}: its log says why")
            await asyncio.sleep(READ_BACK_S)

    async def _read_back(self) -> None:
        try:
            self.status.live = await self._envoy.live_versions()
            self.status.envoy_problem = None
        except EnvoyUnreachable as error:
            self.status.live, self.status.envoy_problem = {}, str(error)
        self._on_change(self.status)

    def _routes_file(self) -> tuple[Route, ...]:
        path = self._settings.routes_file
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise InvalidRoutes(
                [f"GATEWAY_ROUTES_FILE {str(path)!r} cannot be read: {error.strerror}; name a TOML file of routes"]
            ) from error
        return parse_toml(text, origin=path.name)

    def _note_store(self, problem: str | None) -> None:
        if problem is not None and self.status.store_problem is None:
            logger.warning("the files stay as they are: %s", problem)
        self.status.store_problem = problem
