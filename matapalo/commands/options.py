"""Options that several commands share, and the platform a data directory belongs to."""

from pathlib import Path
from typing import Annotated

import typer

from matapalo import record
from matapalo.datadir import DataDir
from matapalo.platform import Platform

DATA_DIR = Path(".matapalo")
DataDirOption = Annotated[Path, typer.Option("--data-dir", help="Where the platform keeps its data.")]


def running(data_dir: Path) -> Platform:
    """The platform of this data directory with the port offset of its last start (0 when it never ran)."""
    data = DataDir.at(data_dir)
    last = record.read(data)
    return Platform(data, last.offset if last else 0)
