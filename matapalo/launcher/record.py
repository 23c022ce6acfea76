"""What runs, written to `run/processes.json` before and after every start: for `status`, `down` and the next `up`.

Times are seconds since the epoch. Written atomically; an unreadable file counts as absent.
"""

import signal
from enum import StrEnum
from pathlib import Path

import msgspec


class State(StrEnum):
    """The state of one process."""

    WAITING = "waiting"  # for what it needs
    STARTING = "starting"
    READY = "ready"
    DONE = "done"  # a one-shot that ended well
    BACKING_OFF = "restarting"  # it died and will be started again
    STOPPING = "stopping"
    STOPPED = "stopped"


class Phase(StrEnum):
    """The state of the whole platform."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """One process: ``since`` is when its state began, ``reason`` why it is not ready yet or when it died.

    ``layer`` and ``stop_signal`` say how to stop it when its launcher was killed.
    """

    name: str
    state: State
    since: float
    layer: int = 0
    stop_signal: int = signal.SIGTERM
    pid: int | None = None
    created: float | None = None
    restarts: int = 0
    reason: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The launcher and all of its processes, in the order of the process table."""

    pid: int
    created: float
    offset: int
    phase: Phase
    processes: list[Status]


def write(path: Path, record: Record) -> None:
    """Replace the file in one step."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(record)))
    unfinished.replace(path)


def read(path: Path) -> Record | None:
    """The record of the last start, whether it still runs or not."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except (OSError, msgspec.DecodeError):
        return None
