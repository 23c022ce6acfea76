"""Where the project's file is. Light: the shell's completion asks for it on every keystroke."""

import os
from collections.abc import Mapping
from pathlib import Path

FILE = "matapalo.toml"
VARIABLE = "MATAPALO_PROJECT"


class ProjectError(ValueError):
    """There is no project, or its file cannot be used: one line a problem."""


def find(start: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """The file of the project: as ``MATAPALO_PROJECT`` says, else in ``start`` (here) or the nearest folder above."""
    if named := environ.get(VARIABLE):
        return Path(named).absolute()
    start = (start or Path.cwd()).absolute()
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder / FILE
    raise ProjectError(
        f"there is no {FILE} in {start} or a folder above it: go to the folder of your project, or set {VARIABLE} to "
        "its file"
    )
