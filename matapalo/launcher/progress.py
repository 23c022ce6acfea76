"""What `matapalo up` shows: a live table at a terminal, one plain line per event elsewhere, then the addresses."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from matapalo.launcher.platform import EDGE_PORT, Platform
from matapalo.launcher.record import State, Status
from matapalo.project.declaration import Project

STYLES = {
    State.WAITING: "dim",
    State.STARTING: "yellow",
    State.READY: "green",
    State.DONE: "green",
    State.BACKING_OFF: "red",
    State.STOPPING: "yellow",
    State.STOPPED: "dim",
}


@dataclass(frozen=True)
class Death:
    """A process ended although it should run; ``back_off_s`` until it is started again."""

    name: str
    reason: str
    last_lines: Sequence[str]
    back_off_s: float

    def __str__(self) -> str:
        lines = "".join(f"\n    {line}" for line in self.last_lines) or " (it wrote nothing)"
        return f"{self.name} died ({self.reason}), restarting in {self.back_off_s:g} s; its last log lines:{lines}"


class Progress:
    """Where the supervisor and the commands report to: one line per process that becomes ready, dies or stops."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begun = time.monotonic()
        self._states: dict[str, State] = {}
        self._ready_after: dict[str, str] = {}

    def changed(self, status: Status) -> None:
        """Say what became ready or stopped, once."""
        line = self.line(status)
        if line:
            self.say(line)

    def line(self, status: Status) -> str:
        """The line about this change, or nothing."""
        before = self._states.get(status.name)
        self._states[status.name] = status.state
        if status.state in {State.READY, State.DONE} and before is not status.state:
            if status.name in self._ready_after:
                return f"{status.name} is {status.state} again"
            self._ready_after[status.name] = f"{time.monotonic() - self._begun:.1f} s"
            return f"{status.name} is {status.state} after {self._ready_after[status.name]}"
        if status.state is State.STOPPED and before is State.STOPPING:
            return f"{status.name} stopped"
        return ""

    def died(self, death: Death) -> None:
        """Say which process died, of what, and its last log lines."""
        self.say(str(death))

    def say(self, text: str) -> None:
        """Print the text; a closed terminal must not keep us from stopping our processes."""
        with suppress(OSError):
            print(text, file=self._console.file, flush=True)

    def close(self) -> None:
        """The platform is ready, or will never be."""


class LiveProgress(Progress):
    """The table at a terminal, redrawn in place until ``close``; then lines."""

    def __init__(self, console: Console, names: Sequence[str]) -> None:
        super().__init__(console)
        self._statuses = {name: Status(name=name, state=State.WAITING, since=0.0) for name in names}
        self._live: Live | None = Live(console=console, get_renderable=self._table, refresh_per_second=8)
        self._live.start()

    def changed(self, status: Status) -> None:
        """Show the new state at the next redraw, or as a line when the table is closed."""
        self._statuses[status.name] = status
        line = self.line(status)
        if line and self._live is None:
            self.say(line)

    def say(self, text: str) -> None:
        """Print above the table."""
        if self._live is None:
            super().say(text)
        else:
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Leave the last table on the screen."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _table(self) -> Table:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for status in self._statuses.values():
            detail = status.reason or self._ready_after.get(status.name, "")
            state = Text(status.state, style=STYLES[status.state])
            table.add_row(status.name, state, Text(detail, "dim", overflow="ellipsis", no_wrap=True))
        return table


def addresses(platform: Platform, project: Project) -> str:
    """Where to go now, as aligned lines."""
    clients = project.clients.values()
    routes = [service.prefix for service in project.services.values() if service.prefix]
    lines = [
        ("landing page", platform.url(EDGE_PORT, "/")),
        *((f"GraphQL, {client.name}", platform.url(EDGE_PORT, client.path)) for client in clients),
        *(("REST, strangled", platform.url(EDGE_PORT, prefix)) for prefix in routes[:1]),
        ("migration console", platform.url(EDGE_PORT, "/console")),
        ("Temporal UI", platform.url(8233, "/")),
        ("control plane", platform.url(8010, "/readyz")),
        *((f"BFF {client.name}, directly", platform.url(client.port, "/graphql")) for client in clients),
        ("Redis, PostgreSQL, Temporal", "  ".join(platform.address(port) for port in (6390, 5439, 7233))),
        ("logs", f"{platform.data.logs}  (matapalo logs NAME -f)"),
    ]
    width = max(len(what) for what, _ in lines)
    return "\n".join(f"  {what.ljust(width)}  {where}" for what, where in lines)
