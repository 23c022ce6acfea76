"""What runs, written to `run/processes.json` before and after every start: for `status`, `down` and the next `up`.

Times are seconds since the epoch. Written atomically; an unreadable file counts as absent.
"""

from enum import StrEnum

import msgspec

from matapalo.launcher.datadir import DataDir


class State(StrEnum):
    """Of one process."""

    WAITING = "waiting"  # for what it needs
    STARTING = "starting"
    READY = "ready"
    DONE = "done"  # a one-shot that ended well
    BACKING_OFF = "restarting"  # it died and will be started again
    STOPPING = "stopping"
    STOPPED = "stopped"


class Phase(StrEnum):
    """Of the whole platform."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """One process: ``since`` is when its state began, ``reason`` why it is not ready yet or when it died."""

    name: str
    state: State
    since: float
    pid: int | None = None
    created: float | None = None
    restarts: int = 0
    reason: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The launcher and all of its processes."""

    pid: int
    created: float
    offset: int
    phase: Phase
    processes: list[Status]


def write(data: DataDir, record: Record) -> None:
    """Replaces the file in one step."""
    unfinished = data.record.with_suffix(".unfinished")
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(record)))
    unfinished.replace(data.record)


def read(data: DataDir) -> Record | None:
    """The record of the last start, whether it still runs or not."""
    try:
        return msgspec.json.decode(data.record.read_bytes(), type=Record)
    except (OSError, msgspec.DecodeError):
        return None
