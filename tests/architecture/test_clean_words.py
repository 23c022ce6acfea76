"""The repository speaks of the product alone: no machine's paths, no index's address."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
MACHINE_PATH = re.compile(rb"""["'` =(](/work/|/root/|/home/[a-z])""")
BUILT = ("matapalo/graphql/graphiql/dist/", "matapalo/graphql/graphiql/package-lock.json")


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    return [ROOT / name for name in listed.stdout.decode().splitlines() if not name.startswith(BUILT)]


def test_no_file_names_a_path_of_a_machine() -> None:
    this_file = Path(__file__).resolve()
    offenders = [
        str(path.relative_to(ROOT))
        for path in tracked_files()
        if path.is_file() and path.resolve() != this_file and MACHINE_PATH.search(path.read_bytes())
    ]
    assert offenders == []


def test_locks_resolve_through_whatever_index_is_configured() -> None:
    npm = ROOT / "matapalo/graphql/graphiql/package-lock.json"
    assert '"resolved"' not in npm.read_text()
