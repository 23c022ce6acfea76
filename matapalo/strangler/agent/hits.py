"""Reading Envoy's log of legacy hits into the store. Runs beside the agent.

The log is read whole lines at a time. When it has grown large it is renamed, Envoy opens a new one, and the old one is
read to its end and removed. Raises RedisUnavailable.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from matapalo.process.clock import Clock
from matapalo.strangler.agent.admin import EnvoyAdmin
from matapalo.strangler.agent.folder import EnvoyFolder
from matapalo.strangler.envoy.listeners import LEGACY_LOG
from matapalo.strangler.errors import EnvoyUnreachable, RedisUnavailable
from matapalo.strangler.routing.hits import count_hits
from matapalo.strangler.store.hits import LegacyHits

logger = logging.getLogger(__name__)

POSITION = "legacy-hits.position"
MAX_BYTES = 16_000_000
CHUNK_BYTES = 4_000_000


class HitReader:
    def __init__(self, folder: EnvoyFolder, *, hits: LegacyHits, envoy: EnvoyAdmin, clock: Clock) -> None:
        self._folder = folder
        self._hits = hits
        self._envoy = envoy
        self._clock = clock
        self._log = folder.path / LEGACY_LOG
        self._old = folder.path / f"{LEGACY_LOG}.old"

    async def follow(self, every_s: float, *, on_result: Callable[[bool], None]) -> None:
        """Read until cancelled, and report each time whether that succeeded."""
        while True:
            try:
                await self.read()
            except RedisUnavailable as error:
                logger.debug("requests to legacy are not counted just now: %s", error)
                on_result(False)
            except Exception:  # the data plane must outlive every surprise in its control plane
                logger.exception("requests to legacy cannot be counted")
                on_result(False)
            else:
                on_result(True)
            await asyncio.sleep(every_s)

    async def read(self) -> None:
        """Add what has been written since the last time."""
        await self._hits.begin(self._clock.now())
        if self._old.exists():
            await self._read_from(self._old)
            self._old.unlink()
            self._save_position(0)
        await self._read_from(self._log)
        if self._position() > MAX_BYTES:
            await self._renew()

    async def _renew(self) -> None:
        self._log.rename(self._old)
        try:
            await self._envoy.reopen_logs()
        except EnvoyUnreachable:
            logger.info("%s is opened anew when Envoy starts", self._log)

    async def _read_from(self, log: Path) -> None:
        position = self._position()
        if _size(log) < position:  # it was emptied
            position = 0
        while lines := _whole_lines(log, position):
            await self._hits.add(count_hits(lines.splitlines()))
            position += len(lines)
            self._save_position(position)  # after a crash before this, lines are counted twice: never not at all

    def _position(self) -> int:
        try:
            return int((self._folder.path / POSITION).read_text())
        except (OSError, ValueError):
            return 0

    def _save_position(self, position: int) -> None:
        self._folder.write(POSITION, str(position))


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _whole_lines(log: Path, position: int) -> bytes:
    """The text from there to the last end of a line within a chunk; empty when no line has ended."""
    if not log.exists():
        return b""
    with log.open("rb") as file:
        file.seek(position)
        chunk = file.read(CHUNK_BYTES)
    return chunk[: chunk.rfind(b"\n") + 1]
