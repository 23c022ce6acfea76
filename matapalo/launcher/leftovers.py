"""Processes that a killed launcher left behind: found by three independent traces, stopped in order.

1. `run/processes.json`: pid and creation time. 2. The mark in their environment, for one that was started an instant
before the kill. 3. PostgreSQL's own pid file, since its server overwrites its environment. A process without a trace
is a stranger and is never touched. Call only while holding the data directory's lock.
"""

import signal
import time
from collections.abc import Sequence
from typing import NamedTuple

import psutil

from matapalo.launcher import pids, record
from matapalo.launcher.datadir import DataDir
from matapalo.launcher.engines import postgres
from matapalo.launcher.environment import MARK
from matapalo.launcher.processes import PROCESSES, Process

GRACE_S = 10.0
POLL_S = 0.02


class Leftover(NamedTuple):
    """A live process of ours without a launcher; the name is empty for a child or an unrecorded one."""

    name: str
    process: psutil.Process


def find(data: DataDir) -> list[Leftover]:
    """All of them, in the order of the process table, the nameless last."""
    found: dict[int, Leftover] = {}
    last = record.read(data)
    for status in last.processes if last else []:
        process = pids.alive(status.pid, status.created)
        if process is not None:
            found[process.pid] = Leftover(status.name, process)
    server = postgres.running_server(data.postgres)
    if server is not None:
        found.setdefault(server.pid, Leftover("postgres", server))
    for process in _marked(data):
        found.setdefault(process.pid, Leftover("", process))
    return sorted(found.values(), key=lambda leftover: _place(leftover.name))


def stop(leftovers: Sequence[Leftover], *, grace_s: float = GRACE_S) -> None:
    """Layer by layer from the top: asked to end, then killed. Returns when none of them lives."""
    rows = {process.name: process for process in PROCESSES}
    for layer in sorted({_layer(leftover, rows) for leftover in leftovers}, reverse=True):
        group = [leftover for leftover in leftovers if _layer(leftover, rows) == layer]
        families = [relative for leftover in group for relative in family(leftover.process)]
        for leftover in group:
            row = rows.get(leftover.name)
            _signal(leftover.process, row.stop_signal if row else signal.SIGTERM)
        stubborn = _alive_after(grace_s, families)
        kill_all(stubborn)
        _alive_after(grace_s, stubborn)


def family(process: psutil.Process) -> list[psutil.Process]:
    """The process and its descendants, each remembered with its creation time."""
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return [process]


def kill_all(processes: Sequence[psutil.Process]) -> None:
    """Kills those that still live; a number that was reused is somebody else and is left alone (psutil checks)."""
    for process in processes:
        _kill(process)


def _alive_after(seconds: float, processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Those that still live then, or an empty list as soon as none does."""
    deadline = time.monotonic() + seconds
    living = list(processes)
    while (living := [process for process in living if pids.lives(process)]) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return living


def _marked(data: DataDir) -> list[psutil.Process]:
    ourselves = {process.pid for process in (psutil.Process(), *psutil.Process().parents())}
    return [
        process
        for process in psutil.process_iter()
        if process.pid not in ourselves and _mark_of(process) == str(data.root)
    ]


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except (psutil.Error, OSError):
        return None


def _layer(leftover: Leftover, rows: dict[str, Process]) -> int:
    row = rows.get(leftover.name)
    return row.layer if row else len(rows)


def _place(name: str) -> int:
    return next((index for index, row in enumerate(PROCESSES) if row.name == name), len(PROCESSES))


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
