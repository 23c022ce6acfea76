"""A data directory with keys, as `matapalo up` makes it before the first process starts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from matapalo.launcher import keys
from matapalo.launcher.platform import DataDir, Platform


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Platform]:
    """A platform of the test's own, nothing started."""
    mine = Platform(DataDir(tmp_path / "data"))
    mine.data.create()
    keys.create(mine.data.keys)
    yield mine
    mine.data.remove_sockets()
