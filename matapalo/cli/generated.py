"""Files in schema/ that the code determines: write them, or fail when a committed one differs."""

from collections.abc import Mapping
from pathlib import Path

from matapalo.launcher.errors import CommandError


def write(contents: Mapping[Path, bytes]) -> None:
    """Write the files and print their paths."""
    for path, content in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        print(path)


def check(contents: Mapping[Path, bytes], *, remedy: str) -> None:
    """Raise CommandError, naming the files that are absent or differ and the command that writes them."""
    stale = [path for path, content in contents.items() if not path.exists() or path.read_bytes() != content]
    if stale:
        raise CommandError("\n".join(f"{path} is not what the code says: run `{remedy}`" for path in stale))
