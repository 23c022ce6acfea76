"""Options that several commands share, what they print, and the platform a data directory belongs to."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table

from matapalo.launcher import record
from matapalo.launcher.platform import DataDir, Platform

DATA_DIR = Path(".matapalo")
DataDirOption = Annotated[Path, typer.Option("--data-dir", help="Where the platform keeps its data.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]
WatchOption = Annotated[bool, typer.Option("--watch", help="Again every second, until Ctrl-C.")]
WATCH_EVERY_S = 1.0


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> Table:
    """Columns without lines; those in ``right`` hold numbers."""
    found = Table(box=None, padding=(0, 2, 0, 0))
    for heading in headings:
        found.add_column(heading, justify="right" if heading in right else "left")
    for row in rows:
        found.add_row(*row)
    return found


def show(
    ask: Callable[[], Any], render: Callable[[Any], RenderableType], *, as_json: bool = False, watch: bool = False
) -> None:
    """Prints what ``ask`` finds: as JSON, or rendered, once or until Ctrl-C."""
    console = Console(highlight=False)
    if watch and not as_json:
        with Live(render(ask()), console=console, auto_refresh=False) as live:
            try:
                while True:
                    time.sleep(WATCH_EVERY_S)
                    live.update(render(ask()), refresh=True)
            except KeyboardInterrupt:
                raise typer.Exit(130) from None
    found = ask()
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        console.print(render(found))


def running(data_dir: Path) -> Platform:
    """The platform of this data directory with the port offset of its last start (0 when it never ran)."""
    data = DataDir.at(data_dir)
    last = record.read(data.record)
    return Platform(data, last.offset if last else 0)
