"""The tiers as they are now: those of the file, until others are set at run time through the store.

Each process reads one small hash every second (a version and a counter of resets), and reloads the tiers when the
version has changed. So a change or a reset holds everywhere within about a second, also after the store was away, and
no message can be missed. A text that cannot be used is never stored; one that is there all the same (an older
platform's) changes nothing, and is logged and counted.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from matapalo.ratelimit.limiter import Limiter
from matapalo.ratelimit.store.ports import Store, StoreUnavailable
from matapalo.ratelimit.tiers import TiersError, TierSet, parse

POLL_S = 1.0
SOURCE = "the tiers set at run time"

log = logging.getLogger(__name__)


class TierReloader:
    """Keeps ``limiter.tiers`` as the store says; ``packaged`` are those of the file.

    ``on_change`` is told of every change: `applied` or `rejected`.
    """

    def __init__(
        self,
        limiter: Limiter,
        store: Store,
        packaged: TierSet,
        *,
        poll_s: float = POLL_S,
        on_change: Callable[[str], None] = lambda outcome: None,
    ) -> None:
        self._limiter = limiter
        self._store = store
        self._packaged = packaged
        self._poll_s = poll_s
        self._on_change = on_change
        self._version: bytes | None = None
        self._resets: bytes | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to poll; the store need not be there yet."""
        self._task = asyncio.create_task(self._poll())

    async def aclose(self) -> None:
        """Stop polling the store."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def refresh(self) -> None:
        """Do what the store says. Raises `StoreUnavailable`."""
        version, resets = await self._store.fields("version", "resets")
        if resets != self._resets:
            self._limiter.forget_all()
        if version != self._version:
            (text,) = await self._store.fields("tiers")
            self._apply(text)
        self._version, self._resets = version, resets

    async def change(self, text: str | None) -> None:
        """Set the tiers for all processes, or (None) go back to the file's. Raises `TiersError`, `StoreUnavailable`."""
        if text is not None:
            parse(text, source="tiers")
        await self._store.publish({"tiers": text}, counter="version")
        await self.refresh()

    def _apply(self, text: bytes | None) -> None:
        try:
            tiers = self._packaged if text is None else parse(text.decode(), source=SOURCE)
        except (TiersError, UnicodeDecodeError) as error:
            log.error("limits stay as they are: %s", error)
            self._on_change("rejected")
            return
        self._limiter.use(tiers)
        self._on_change("applied")

    async def _poll(self) -> None:
        while True:
            with contextlib.suppress(StoreUnavailable):
                await self.refresh()
            await asyncio.sleep(self._poll_s)
