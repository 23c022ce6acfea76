"""Options and arguments that several commands share, and the platform that a data directory belongs to."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matapalo.cli import completion
from matapalo.cli.project import project_file

if TYPE_CHECKING:
    from matapalo.cli.admin_client import Admin
    from matapalo.launcher.platform import Platform

DATA_DIR = completion.DATA_DIR
DataDirOption = Annotated[
    Path, typer.Option("--data-dir", file_okay=False, help="Where the platform keeps its data, its port offset too.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
WatchOption = Annotated[bool, typer.Option("--watch", help="Print it again every second, until Ctrl-C.")]
PrintOption = Annotated[bool, typer.Option("--print", help="Print the address instead of opening it.")]
RouteArgument = Annotated[
    str, typer.Argument(help="A route's name, or a path: things, /api/things.", autocompletion=completion.routes)
]
OptionalRouteArgument = Annotated[
    str | None,
    typer.Argument(help="A route's name, or a path; without it all routes.", autocompletion=completion.routes),
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; the history keeps it.")]


class Side(StrEnum):
    """One of the two that may serve a route's requests."""

    NEW = "new"
    LEGACY = "legacy"


def started_platform(data_dir: Path) -> "Platform":
    """The platform of this data directory with the port offset of its last start (0 when it never ran)."""
    from matapalo.launcher import record
    from matapalo.launcher.platform import DataDir, Platform

    data = DataDir(data_dir)
    if not data.root.exists():
        project_file()  # no platform ran here: outside a project, that is what is wrong
    last = record.read(data.record)
    return Platform(data, last.offset if last else 0)


def running_platform(data_dir: Path) -> "Platform":
    """The same, when something listens at its edge. Raises NotRunning."""
    from matapalo.launcher import ports
    from matapalo.launcher.errors import NotRunning
    from matapalo.launcher.platform import EDGE_PORT

    platform = started_platform(data_dir)
    if ports.is_free(platform.port(EDGE_PORT)):
        raise NotRunning(
            f"nothing listens on {platform.address(EDGE_PORT)}, where the platform of {platform.data.root} would: "
            "start it with `matapalo up`, or name another with --data-dir"
        )
    return platform


def control_plane(data_dir: Path) -> "Admin":
    """A client of its admin API."""
    from matapalo.cli.admin_client import Admin

    return Admin(started_platform(data_dir))
