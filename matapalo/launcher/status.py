"""`matapalo status`: what was written down, checked against the processes that really live and what they answer now."""

import asyncio
from datetime import UTC, datetime

import msgspec
from rich.table import Table

from matapalo.launcher import pids, record
from matapalo.launcher.platform import Platform
from matapalo.launcher.processes import PROCESSES, Process
from matapalo.launcher.record import Record, State, Status

LEFT_BEHIND = "left behind"
UP_STATES = frozenset({"ready", "done"})


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One process as shown: ``ports`` with the offset added, ``uptime_s`` None when it does not run."""

    name: str
    state: str
    pid: int | None
    ports: list[int]
    uptime_s: float | None
    restarts: int
    note: str

    @property
    def is_up(self) -> bool:
        return self.state in UP_STATES


def rows(platform: Platform) -> list[Row]:
    """Every row of the process table, asked now."""
    return asyncio.run(_rows(platform, record.read(platform.data)))


def table(found: list[Row]) -> Table:
    """For a terminal or a pipe."""
    shown = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("NAME", "STATE", "PID", "PORT", "UPTIME", "RESTARTS", ""):
        shown.add_column(heading, no_wrap=heading != "", overflow="fold")
    for row in found:
        ports = f"{row.ports[0]}-{row.ports[-1]}" if len(row.ports) > 2 else " ".join(map(str, row.ports))
        uptime = "" if row.uptime_s is None else _duration(row.uptime_s)
        shown.add_row(row.name, row.state, str(row.pid or ""), ports, uptime, str(row.restarts), row.note)
    return shown


async def _rows(platform: Platform, last: Record | None) -> list[Row]:
    written = {status.name: status for status in last.processes} if last else {}
    launcher_lives = last is not None and pids.alive(last.pid, last.created) is not None
    return list(
        await asyncio.gather(
            *(_row(platform, process, written.get(process.name), launcher_lives) for process in PROCESSES)
        )
    )


async def _row(platform: Platform, process: Process, written: Status | None, launcher_lives: bool) -> Row:
    lives = written is not None and pids.alive(written.pid, written.created) is not None
    state, note = await _state(platform, process, written, lives=lives, launcher_lives=launcher_lives)
    return Row(
        name=process.name,
        state=state,
        pid=written.pid if written and lives else None,
        ports=[platform.port(port) for port in process.ports.values()],
        uptime_s=datetime.now(UTC).timestamp() - written.created if written and written.created and lives else None,
        restarts=written.restarts if written else 0,
        note=note,
    )


async def _state(
    platform: Platform, process: Process, written: Status | None, *, lives: bool, launcher_lives: bool
) -> tuple[str, str]:
    if written is None or (not launcher_lives and not lives):
        return "stopped", ""
    if not launcher_lives:
        return LEFT_BEHIND, ""
    if process.ready is None or written.state is not State.READY:
        return written.state, written.reason
    missing = await process.ready(platform)()
    return ("ready", "") if missing is None else ("not ready", missing)


def _duration(seconds: float) -> str:
    minutes, hours = int(seconds // 60), int(seconds // 3600)
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min" if minutes else f"{int(seconds)} s"
