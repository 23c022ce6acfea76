"""Reading Envoy's log of legacy hits, from where reading ended, into the store. Runs beside the agent.

The log is read whole lines at a time. When it has grown large it is renamed, Envoy is told to open a new one, and the
old one is read to its end and removed. Where reading ended is kept in the folder: what was read before a crash may be
counted twice, never not at all. Raises StoreUnavailable, EnvoyUnreachable.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from matapalo.process.clock import Clock
from matapalo.strangler.agent.folder import EnvoyFolder
from matapalo.strangler.envoy.listeners import LEGACY_LOG
from matapalo.strangler.errors import EnvoyUnreachable, StoreUnavailable
from matapalo.strangler.routing.hits import HitsByRoute, counted

logger = logging.getLogger(__name__)

POSITION = "legacy-hits.position"
MAX_BYTES = 16_000_000
CHUNK_BYTES = 4_000_000


class Store(Protocol):
    """Where hits are added up: `matapalo.strangler.store.hits.LegacyHits`."""

    async def begin(self, now: datetime) -> None: ...
    async def add(self, hits: HitsByRoute) -> None: ...


class Admin(Protocol):
    """Envoy's admin socket: `matapalo.strangler.agent.admin.EnvoyAdmin`."""

    async def reopen_logs(self) -> None: ...


class HitReader:
    """One for each Envoy's log."""

    def __init__(self, folder: EnvoyFolder, *, store: Store, envoy: Admin, clock: Clock) -> None:
        self._folder = folder
        self._store = store
        self._envoy = envoy
        self._clock = clock
        self._log = folder.path / LEGACY_LOG
        self._old = folder.path / f"{LEGACY_LOG}.old"

    async def follow(self, every_s: float, *, on_result: Callable[[bool], None]) -> None:
        """Reads until cancelled, and tells each time whether it could."""
        while True:
            try:
                await self.read()
            except StoreUnavailable as error:
                logger.debug("requests to legacy are not counted just now: %s", error)
                on_result(False)
            except Exception:  # the data plane must outlive every surprise in its control plane
                logger.exception("requests to legacy cannot be counted")
                on_result(False)
            else:
                on_result(True)
            await asyncio.sleep(every_s)

    async def read(self) -> None:
        """Adds what has been written since the last time."""
        await self._store.begin(self._clock.now())
        if self._old.exists():
            await self._read_from(self._old)
            self._old.unlink()
            self._keep_position(0)
        await self._read_from(self._log)
        if self._position() > MAX_BYTES:
            await self._renew()

    async def _renew(self) -> None:
        self._log.rename(self._old)
        try:
            await self._envoy.reopen_logs()
        except EnvoyUnreachable:
            logger.info("%s will be opened anew when Envoy starts", self._log)

    async def _read_from(self, log: Path) -> None:
        position = self._position()
        if _size(log) < position:  # somebody emptied it
            position = 0
        while lines := _whole_lines(log, position):
            await self._store.add(counted(lines.splitlines()))
            position += len(lines)
            self._keep_position(position)

    def _position(self) -> int:
        try:
            return int((self._folder.path / POSITION).read_text())
        except (OSError, ValueError):
            return 0

    def _keep_position(self, position: int) -> None:
        self._folder.write(POSITION, str(position))


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _whole_lines(log: Path, position: int) -> bytes:
    """What follows, up to the last end of a line within a chunk; nothing when no line has ended."""
    if not log.exists():
        return b""
    with log.open("rb") as file:
        file.seek(position)
        chunk = file.read(CHUNK_BYTES)
    return chunk[: chunk.rfind(b"\n") + 1]
