"""Files are replaced in one step, and only when they change."""

import os
from pathlib import Path

import pytest

from matapalo.strangler.agent.folder import DOCUMENT, EnvoyFolder, replace
from tests.matapalo.strangler.builders import a_document


def test_a_file_is_replaced_by_a_rename(tmp_path: Path) -> None:
    folder = EnvoyFolder(tmp_path / "new" / "folder")
    assert folder.write("cds.json", "one") is None
    before = os.stat(folder.path / "cds.json").st_ino
    with open(folder.path / "cds.json", encoding="utf-8") as reader:
        assert folder.write("cds.json", "two") == "one"
        assert reader.read() == "one", "a reader keeps the whole old file"
    assert (folder.path / "cds.json").read_text() == "two"
    assert os.stat(folder.path / "cds.json").st_ino != before


def test_the_same_text_touches_nothing(tmp_path: Path) -> None:
    folder = EnvoyFolder(tmp_path)
    folder.write("cds.json", "one")
    before = os.stat(tmp_path / "cds.json").st_ino
    folder.write("cds.json", "one")
    assert os.stat(tmp_path / "cds.json").st_ino == before


def test_nothing_is_left_beside_the_file(tmp_path: Path) -> None:
    EnvoyFolder(tmp_path).write("cds.json", "one")
    assert [file.name for file in tmp_path.iterdir()] == ["cds.json"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "cds.json"
    replace(path, "one")
    with pytest.raises(UnicodeEncodeError):
        replace(path, "\ud800")
    assert [file.name for file in tmp_path.iterdir()] == ["cds.json"]
    assert path.read_text() == "one"


def test_another_user_s_envoy_can_read_it(tmp_path: Path) -> None:
    EnvoyFolder(tmp_path).write("cds.json", "one")
    assert (tmp_path / "cds.json").stat().st_mode & 0o777 == 0o644


def test_the_document_is_saved_beside_the_files(tmp_path: Path) -> None:
    folder = EnvoyFolder(tmp_path)
    assert folder.document() is None
    folder.save_document(a_document(7))
    assert EnvoyFolder(tmp_path).document() == a_document(7)
    (tmp_path / DOCUMENT).write_text("{")
    assert folder.document() is None
