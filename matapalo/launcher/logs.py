"""Log files of the processes: bounded at each start, their last lines, and following one."""

import time
from collections.abc import Iterator
from pathlib import Path

MAX_BYTES = 8_000_000
TAIL_BYTES = 64_000
POLL_S = 0.2


def rotate(log: Path) -> None:
    """Move a log that has grown past its bound to NAME.log.1, replacing the one before."""
    if log.exists() and log.stat().st_size > MAX_BYTES:
        log.replace(log.with_suffix(".log.1"))


def size(log: Path) -> int:
    """The bytes written so far; a later ``last_lines(…, since=…)`` then shows only what came after."""
    return log.stat().st_size if log.exists() else 0


def last_lines(log: Path, count: int, *, since: int = 0) -> list[str]:
    """At most ``count`` lines from the end, none of them from before byte ``since``."""
    if not log.exists() or count <= 0:
        return []
    with log.open("rb") as file:
        end = file.seek(0, 2)
        file.seek(max(since if since <= end else 0, end - max(TAIL_BYTES, count * 1000)))
        return file.read().decode(errors="replace").splitlines()[-count:]


def follow(log: Path, *, start: int) -> Iterator[str]:
    """What is written from byte ``start`` on, for ever; goes on with the new file when the log is rotated or cut."""
    position = start
    while True:
        length = size(log)
        if length < position:
            position = 0
        if length > position:
            with log.open("rb") as file:
                file.seek(position)
                written = file.read()
            position += len(written)
            yield written.decode(errors="replace")
        else:
            time.sleep(POLL_S)
