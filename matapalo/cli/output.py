"""What commands print: tables without lines, and JSON for programs."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

WATCH_EVERY_S = 1.0


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> "Table":
    """Columns without lines; those in ``right`` hold numbers."""
    from rich.table import Table

    columns = Table(box=None, padding=(0, 2, 0, 0))
    for heading in headings:
        columns.add_column(heading, justify="right" if heading in right else "left")
    for row in rows:
        columns.add_row(*row)
    return columns


def show(
    read: Callable[[], Any], render: Callable[[Any], "RenderableType"], *, as_json: bool = False, watch: bool = False
) -> None:
    """Print what ``read`` returns: as JSON, or rendered, once or again and again until Ctrl-C."""
    if as_json:
        print(json.dumps(read(), indent=2))
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False)
    if not watch:
        console.print(render(read()))
        return
    with Live(render(read()), console=console, auto_refresh=False) as live:
        try:
            while True:
                time.sleep(WATCH_EVERY_S)
                live.update(render(read()), refresh=True)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
