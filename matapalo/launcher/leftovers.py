"""Processes that a killed launcher left behind: recognised by three independent traces, stopped in order.

1. `run/processes.json`: pid and creation time. 2. The mark in their environment, for one that was started an instant
before the kill. 3. PostgreSQL's own pid file, since its server overwrites its environment. A process without a trace
is never touched. Call only while holding the data directory's lock.
"""

import signal
import time
from collections.abc import Sequence
from typing import NamedTuple

import psutil

from matapalo.launcher import pids, record
from matapalo.launcher.engines import postgres
from matapalo.launcher.environment import MARK
from matapalo.launcher.platform import DataDir, Platform
from matapalo.launcher.progress import Progress

GRACE_S = 10.0
POLL_S = 0.02
UNRECORDED_LAYER = 1_000  # a child or a process just started: stopped before those that it may use


class Leftover(NamedTuple):
    """A live process of ours without a launcher; the name is empty for a child or an unrecorded one."""

    name: str
    process: psutil.Process
    layer: int = UNRECORDED_LAYER
    stop_signal: int = signal.SIGTERM

    def __str__(self) -> str:
        return f"{self.name or 'a child'} (pid {self.process.pid})"


def clean_up(platform: Platform, display: Progress) -> int:
    """Stop what a killed launcher left behind and say so; how many there were."""
    leftovers = find(platform.data)
    if leftovers:
        names = ", ".join(map(str, leftovers))
        display.say(f"an earlier launcher ended without stopping its processes; stopping them now: {names}")
        stop(leftovers)
    return len(leftovers)


def find(data: DataDir) -> list[Leftover]:
    """All of them, in the order of the process table, the nameless last."""
    leftovers: dict[int, Leftover] = {}
    last = record.read(data.record)
    for status in last.processes if last else []:
        process = pids.alive(status.pid, status.created)
        if process is not None:
            leftovers[process.pid] = Leftover(status.name, process, status.layer, status.stop_signal)
    server = postgres.running_server(data.postgres)
    if server is not None:
        leftovers.setdefault(server.pid, Leftover("postgres", server, layer=0, stop_signal=signal.SIGINT))
    for process in _marked(data):
        leftovers.setdefault(process.pid, Leftover("", process))
    return list(leftovers.values())


def stop(leftovers: Sequence[Leftover], *, grace_s: float = GRACE_S) -> None:
    """Layer by layer from the top: terminate, then kill. Returns when none of them lives."""
    for layer in sorted({leftover.layer for leftover in leftovers}, reverse=True):
        group = [leftover for leftover in leftovers if leftover.layer == layer]
        families = [relative for leftover in group for relative in pids.family(leftover.process)]
        for leftover in group:
            try:
                leftover.process.send_signal(leftover.stop_signal)
            except psutil.NoSuchProcess:
                continue
        survivors = _alive_after(grace_s, families)
        pids.kill_all(survivors)
        _alive_after(grace_s, survivors)


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
