"""npm projects of the tests: installed outside the repository, once for each lock file.

Tests marked ``node`` need Node; ``NODE=none`` leaves them out.
"""

import shutil
import subprocess
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest

from tests.harness.environment import wants_node

INSTALL_TIMEOUT_S = 100


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what needs Node when the user said so."""
    if wants_node():
        return
    left_out = [item for item in items if item.get_closest_marker("node")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def installed(project: Path, what_for: str) -> Path:
    """A copy of ``project`` with its `node_modules`, project_copy in the system's temporary folder.

    Fails the test with one sentence when Node is missing. ``what_for`` begins that sentence.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.fail(
            f"{what_for} needs node and npm on PATH (Node 20 or newer): install them, "
            "or set NODE=none to leave such tests out.",
            pytrace=False,
        )
    files = sorted(path for path in project.iterdir() if path.suffix in {".json", ".js", ".mjs"})
    digest = sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]
    project_copy = Path(tempfile.gettempdir()) / f"matapalo-{project.name}-{digest}"
    if not (project_copy / "node_modules").is_dir():
        _install(npm, files, project_copy)
    return project_copy


def _install(npm: str, files: list[Path], project_copy: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=f"{project_copy.name}-") as name:
        folder = Path(name)
        for path in files:
            shutil.copy(path, folder)
        done = subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=INSTALL_TIMEOUT_S,
        )
        assert done.returncode == 0, done.stderr
        whole = folder / "whole"
        whole.mkdir()
        for part in [*(folder / file.name for file in files), folder / "node_modules"]:
            part.rename(whole / part.name)
        with suppress(OSError):  # another process was faster
            whole.rename(project_copy)
