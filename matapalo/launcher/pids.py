"""A pid alone proves nothing, numbers are reused: it is believed only together with the process's creation time.

Creation times are seconds since the epoch, as psutil gives them.
"""

from collections.abc import Sequence

import psutil

CLOCK_SLACK_S = 2.0  # the operating system derives creation times from a boot time that may be adjusted


def alive(pid: int | None, created: float | None) -> psutil.Process | None:
    """The process, when this number still means the one that was created then."""
    if pid is None or created is None:
        return None
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - created) < CLOCK_SLACK_S
    except psutil.Error:
        return None
    return process if same and lives(process) else None


def lives(process: psutil.Process) -> bool:
    """Whether it still runs. A zombie has ended: its new parent, a container's init, may never reap it."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def family(process: psutil.Process) -> list[psutil.Process]:
    """The process and its descendants, each with its creation time."""
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return [process]


def kill_all(processes: Sequence[psutil.Process]) -> None:
    """Kill those that still live; psutil leaves a number alone that another process has by now."""
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
