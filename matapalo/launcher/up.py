"""`matapalo up`: lock, clean up, check, start, watch, stop. Returns the exit code.

0 after an asked-for stop of a running platform (Ctrl-C is the usual way to end it); 128 plus the signal's number when
it was stopped while starting. Raises LauncherError, with nothing left running.
"""

import asyncio
import signal
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any

import psutil
from rich.console import Console

from matapalo.launcher import keys, leftovers, logs, ports, progress, reload
from matapalo.launcher.platform import Platform
from matapalo.launcher.processes import PROCESSES, Process, wanted_ports
from matapalo.launcher.progress import LiveProgress, PlainProgress, Progress
from matapalo.launcher.supervisor import Supervisor

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(
    platform: Platform, rows: Sequence[Process] = PROCESSES, *, watch_sources: bool = False, console: Console
) -> int:
    """Brings the platform up and keeps it up until a signal."""
    early = _remember_signals()
    platform.data.create()
    with platform.data.locked():
        clean_up(platform, PlainProgress(console))
        ports.require_free(wanted_ports(platform, rows))
        keys.create(platform.data.keys)
        for row in rows:
            logs.rotate(platform.data.log(row.name))
        shown = LiveProgress(console, [row.name for row in rows]) if console.is_terminal else PlainProgress(console)
        try:
            return asyncio.run(_Life(platform, rows, shown).until_stopped(early, watch_sources=watch_sources))
        finally:
            platform.data.remove_sockets()


def _remember_signals() -> list[signal.Signals]:
    """Until the event loop handles them, signals are only noted, so that cleaning up is never left half done.

    Our own handlers from the first moment: a start with `&` from a script inherits SIGINT ignored.
    """
    noted: list[signal.Signals] = []
    for number in STOP_SIGNALS:
        signal.signal(number, lambda received, _frame: noted.append(signal.Signals(received)))
    return noted


def clean_up(platform: Platform, shown: Progress) -> int:
    """Stops what a killed launcher left behind and says so; how many there were. The lock must be held."""
    found = leftovers.find(platform.data)
    if found:
        names = ", ".join(f"{leftover.name or 'a child'} (pid {leftover.process.pid})" for leftover in found)
        shown.say(f"an earlier launcher ended without stopping its processes; stopping them now: {names}")
        leftovers.stop(found)
    return len(found)


class _Life:
    """One life of the platform, from the first process to the last, and the signals that end it."""

    def __init__(self, platform: Platform, rows: Sequence[Process], shown: Progress) -> None:
        self._platform = platform
        self._shown = shown
        self._rows = rows
        self._supervisor = Supervisor(platform, rows, reporter=shown)
        self._stopping = asyncio.Event()
        self._received: signal.Signals | None = None

    async def until_stopped(self, early: Sequence[signal.Signals], *, watch_sources: bool) -> int:
        """The exit code; every process has ended when this returns or raises. ``early`` signals have come already."""
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self._on_signal, number)
        for number in early:
            self._on_signal(number)
        ready = False
        try:
            ready = await self._unless_stopped(self._supervisor.start())
            self._shown.close()
            if ready:
                self._shown.say(progress.addresses(self._platform))
                self._shown.say(f"ready in {_age_s():.1f} s; Ctrl-C or `matapalo down` stops everything")
                await self._unless_stopped(self._watch(watch_sources))
        finally:
            self._shown.close()
            await self._supervisor.stop()
        return 0 if ready or self._received is None else 128 + self._received

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> bool:
        """Whether the work ended before a signal came; its errors are raised."""
        task, stopped = asyncio.create_task(work), asyncio.create_task(self._stopping.wait())
        await asyncio.wait([task, stopped], return_when=asyncio.FIRST_COMPLETED)
        for one in (task, stopped):
            one.cancel()
        if not self._stopping.is_set():
            await task
        return not self._stopping.is_set()

    async def _watch(self, watch_sources: bool) -> None:
        watched = [self._supervisor.until_something_breaks()]
        if watch_sources:
            watched.append(self._reload())
        async with asyncio.TaskGroup() as group:
            for work in watched:
                group.create_task(work)

    async def _reload(self) -> None:
        rows = [row for row in self._rows if row.package and not row.one_shot]
        folders = {
            package: reload.source_folder(package) for package in sorted({row.package for row in rows if row.package})
        }
        async for changed in reload.changes(folders):
            names = [row.name for row in rows if row.package in changed]
            self._shown.say(f"{', '.join(sorted(changed))} changed, restarting {', '.join(names)}")
            await self._supervisor.restart(names)

    def _on_signal(self, number: signal.Signals) -> None:
        if self._stopping.is_set():
            self._supervisor.hurry()
            return
        self._received = number
        self._stopping.set()
        self._shown.say("stopping (once more: at once) …")


def _age_s() -> float:
    """Seconds since this command was started, the interpreter's start included."""
    return datetime.now(UTC).timestamp() - psutil.Process().create_time()
