"""Reload: which package changed, and nothing else."""

import asyncio
import os
from pathlib import Path

from matapalo.launcher import reload


async def test_only_the_package_whose_source_changed_is_named(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("bff", "gateway")}
    for folder in folders.values():
        folder.mkdir()
        (folder / "app.py").touch()
    changes = reload.changes(folders, poll_s=0.01)
    later = (folders["bff"] / "app.py").stat().st_mtime + 10

    async def edit() -> None:
        os.utime(folders["bff"] / "app.py", (later, later))

    changed, _ = await asyncio.gather(anext(changes), edit())
    assert changed == {"bff"}


def test_compiled_files_and_logs_are_no_sources(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "app.py").touch()
    (tmp_path / "web.log").touch()
    (tmp_path / "routes.toml").touch()
    assert set(reload.stamps(tmp_path)) == {tmp_path / "routes.toml"}


def test_our_packages_are_found_without_being_imported() -> None:
    assert (reload.source_folder("subgraphs") / "__init__.py").exists()
