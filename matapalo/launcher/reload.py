"""Which processes to start again after a source file changed: the modification times, asked twice a second.

Reads only the files of our own packages; knows nothing of processes.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from importlib.util import find_spec
from pathlib import Path

SUFFIXES = frozenset({".py", ".toml", ".graphql", ".json", ".html"})
POLL_S = 0.5


def source_folder(package: str) -> Path:
    """Where an importable package lies, without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"no package {package}")
    return Path(spec.submodule_search_locations[0])


def stamps(folder: Path) -> dict[Path, int]:
    """The modification time (ns) of every source file below the folder."""
    found = {}
    for path in folder.rglob("*"):
        if path.suffix in SUFFIXES and "__pycache__" not in path.parts:
            try:
                found[path] = path.stat().st_mtime_ns
            except FileNotFoundError:  # an editor replaces files by renaming
                continue
    return found


async def changes(folders: Mapping[str, Path], *, poll_s: float = POLL_S) -> AsyncIterator[set[str]]:
    """The names whose files changed, each time some did, for ever."""
    before = {name: stamps(folder) for name, folder in folders.items()}
    while True:
        await asyncio.sleep(poll_s)
        now = {name: stamps(folder) for name, folder in folders.items()}
        changed = {name for name in folders if now[name] != before[name]}
        before = now
        if changed:
            yield changed
