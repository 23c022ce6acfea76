"""A platform: short sockets however long its path, private folders, one launcher at a time, offsets that fit."""

import os
import stat
from pathlib import Path

import pytest

from matapalo.launcher.errors import AlreadyRunning, BadInput
from matapalo.launcher.platform import DataDir, Platform


def test_sockets_have_a_short_path_below_a_long_one(tmp_path: Path) -> None:
    deep = DataDir(tmp_path / ("d" * 100) / ("e" * 100))
    deep.create()
    assert len(str(deep.sockets / "envoy.sock")) <= 100
    assert stat.S_IMODE(deep.sockets.stat().st_mode) == 0o700
    deep.remove_sockets()
    assert not deep.sockets.exists()


def test_two_data_directories_have_their_own_socket_folders(tmp_path: Path) -> None:
    assert DataDir(tmp_path / "a").sockets != DataDir(tmp_path / "b").sockets


def test_a_socket_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    data.sockets.symlink_to(tmp_path)
    try:
        with pytest.raises(BadInput, match="belongs to another user"):
            data.create()
    finally:
        data.sockets.unlink()


def test_a_place_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="file/data cannot be made"):
        DataDir(tmp_path / "file" / "data").create()


def test_a_held_directory_names_its_holder_until_it_is_free(local: Platform) -> None:
    data = local.data
    with data.locked():
        holder = data.holder()
        assert holder is not None
        assert holder.pid == os.getpid()
        with pytest.raises(AlreadyRunning, match=f"pid {os.getpid()}"), data.locked():
            pass
    assert data.holder() is None
    with data.locked():
        pass


@pytest.mark.parametrize("offset", [-100, 1, 50, 1000])
def test_other_offsets_are_refused_with_the_right_ones(local: Platform, offset: int) -> None:
    with pytest.raises(BadInput, match="a multiple of 100 from 100 to 900"):
        Platform(local.data, offset)
