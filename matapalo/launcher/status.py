"""`matapalo status`: the record of the last start, checked against live processes and their probes."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from rich.table import Table

from matapalo.launcher import pids, record
from matapalo.launcher.platform import Platform
from matapalo.launcher.processes import Process
from matapalo.launcher.record import Record, State, Status
from matapalo.process.duration import approximate_duration

LEFT_BEHIND = "left behind"
UP_STATES = frozenset({"ready", "done"})


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One process: ``ports`` with the offset added, ``uptime_s`` None when it does not run."""

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


def rows(platform: Platform, processes: Sequence[Process]) -> list[Row]:
    """Every row of the process table, probed now."""
    return asyncio.run(_rows(platform, processes, record.read(platform.data.record)))


def table(rows: list[Row]) -> Table:
    """For a terminal or a pipe."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("NAME", "STATE", "PID", "PORT", "UPTIME", "RESTARTS", ""):
        table.add_column(heading, no_wrap=heading != "", overflow="fold")
    for row in rows:
        ports = f"{row.ports[0]}-{row.ports[-1]}" if len(row.ports) > 2 else " ".join(map(str, row.ports))
        uptime = "" if row.uptime_s is None else approximate_duration(timedelta(seconds=row.uptime_s))
        table.add_row(row.name, row.state, str(row.pid or ""), ports, uptime, str(row.restarts), row.note)
    return table


async def _rows(platform: Platform, processes: Sequence[Process], last: Record | None) -> list[Row]:
    recorded = {status.name: status for status in last.processes} if last else {}
    launcher_lives = last is not None and pids.alive(last.pid, last.created) is not None
    return list(
        await asyncio.gather(
            *(_row(platform, process, recorded.get(process.name), launcher_lives) for process in processes)
        )
    )


async def _row(platform: Platform, process: Process, recorded: Status | None, launcher_lives: bool) -> Row:
    lives = recorded is not None and pids.alive(recorded.pid, recorded.created) is not None
    state, note = await _state(platform, process, recorded, lives=lives, launcher_lives=launcher_lives)
    return Row(
        name=process.name,
        state=state,
        pid=recorded.pid if recorded and lives else None,
        ports=[platform.port(port) for port in process.ports.values()],
        uptime_s=datetime.now(UTC).timestamp() - recorded.created if recorded and recorded.created and lives else None,
        restarts=recorded.restarts if recorded else 0,
        note=note,
    )


async def _state(
    platform: Platform, process: Process, recorded: Status | None, *, lives: bool, launcher_lives: bool
) -> tuple[str, str]:
    if recorded is None or (not launcher_lives and not lives):
        return "stopped", ""
    if not launcher_lives:
        return LEFT_BEHIND, ""
    if process.ready is None or recorded.state is not State.READY:
        return recorded.state, recorded.reason
    missing = await process.ready(platform)()
    return ("ready", "") if missing is None else ("not ready", missing)
