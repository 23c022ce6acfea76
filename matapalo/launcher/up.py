"""`matapalo up`: lock, clean up, check, start, watch, stop. Returns the exit code.

0 after an asked-for stop of a running platform (Ctrl-C is the usual way to end it); 128 plus the signal's number when
it was stopped while starting. Raises CommandError, with nothing left running.
"""

import asyncio
import signal
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import watchfiles
from rich.console import Console

from matapalo.launcher import control_socket, keys, leftovers, logs, ports
from matapalo.launcher.errors import CommandError
from matapalo.launcher.platform import Platform
from matapalo.launcher.processes import Process, port_users
from matapalo.launcher.progress import LiveProgress, Progress
from matapalo.launcher.supervisor import Supervisor

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SOURCES = (".py", ".toml", ".graphql", ".json", ".html")
DEBOUNCE_MS = 200


def run(
    platform: Platform,
    rows: Sequence[Process],
    *,
    summary: str = "",
    watch_sources: bool = False,
    console: Console,
) -> int:
    """Bring the platform up, print ``summary`` when it is ready, and keep it up until a signal."""
    early = _record_signals()
    platform.data.create()
    with platform.data.locked():
        leftovers.clean_up(platform, Progress(console))
        ports.require_free(port_users(platform, rows))
        keys.create(platform.data.keys)
        for row in rows:
            logs.rotate(platform.data.log(row.name))
        display = LiveProgress(console, [row.name for row in rows]) if console.is_terminal else Progress(console)
        try:
            return asyncio.run(_Run(platform, rows, display, summary).until_stopped(early, watch_sources=watch_sources))
        finally:
            platform.data.remove_sockets()


def _record_signals() -> list[signal.Signals]:
    """The signals that come before the event loop: only recorded, so that cleaning up is never left half done.

    Our own handlers from the first moment: a start with `&` from a script inherits SIGINT ignored.
    """
    received: list[signal.Signals] = []
    for number in STOP_SIGNALS:
        signal.signal(number, lambda number, _frame: received.append(signal.Signals(number)))
    return received


class _Run:
    """One run of the platform, from the first process to the last, and the signals that end it."""

    def __init__(self, platform: Platform, rows: Sequence[Process], display: Progress, summary: str) -> None:
        self._platform = platform
        self._summary = summary
        self._display = display
        self._rows = rows
        self._supervisor = Supervisor(platform, rows, progress=display)
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
            async with control_socket.listening(self._platform, self._supervisor.restart):
                ready = await self._unless_stopped(self._supervisor.start())
                self._display.close()
                if ready:
                    self._display.say(self._summary)
                    self._display.say(f"ready in {_age_s():.1f} s; Ctrl-C or `matapalo down` stops everything")
                    await self._unless_stopped(self._watch(watch_sources))
        finally:
            self._display.close()
            await self._supervisor.stop()
        return 0 if ready or self._received is None else 128 + self._received

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> bool:
        """Whether the work ended before a signal came; its errors are raised."""
        task, stopped = asyncio.create_task(work), asyncio.create_task(self._stopping.wait())
        await asyncio.wait([task, stopped], return_when=asyncio.FIRST_COMPLETED)
        task.cancel()
        stopped.cancel()
        if not self._stopping.is_set():
            await task
        return not self._stopping.is_set()

    async def _watch(self, watch_sources: bool) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._supervisor.until_something_breaks())
            if watch_sources:
                group.create_task(restart_on_change(self._rows, self._supervisor, self._display))

    def _on_signal(self, number: signal.Signals) -> None:
        if self._stopping.is_set():
            self._supervisor.end_grace()
            return
        self._received = number
        self._stopping.set()
        self._display.say("stopping (once more: at once) …")


async def restart_on_change(rows: Sequence[Process], supervisor: Supervisor, display: Progress) -> None:
    """Restart the processes with a changed source file; one that does not start is reported, not fatal."""
    rows = [row for row in rows if row.sources and not row.one_shot]
    async for changes in watchfiles.awatch(
        *{folder for row in rows for folder in row.sources},
        watch_filter=lambda _, path: path.endswith(SOURCES),
        debounce=DEBOUNCE_MS,
    ):
        paths = sorted(Path(path) for _, path in changes)
        names = [
            row.name for row in rows if any(path.is_relative_to(folder) for path in paths for folder in row.sources)
        ]
        display.say(f"{paths[0].name} changed, restarting {', '.join(names)}")
        try:
            await supervisor.restart(names)
        except CommandError as error:
            display.say(str(error))


def _age_s() -> float:
    """Seconds since this command was started, the interpreter's start included."""
    return datetime.now(UTC).timestamp() - psutil.Process().create_time()
