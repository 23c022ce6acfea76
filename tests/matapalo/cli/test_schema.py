"""The SDL files are what the code says."""

from pathlib import Path

from tests.harness.shop import copy_of_the_shop
from tests.matapalo.cli.conftest import Command


def test_the_committed_schemas_are_current(matapalo: Command) -> None:
    assert matapalo("schema", "check") == (0, "", "")


def test_a_stale_file_is_named_with_its_remedy(matapalo: Command, tmp_path: Path) -> None:
    result = matapalo("schema", "check", MATAPALO_PROJECT=str(copy_of_the_shop(tmp_path)))
    assert result.returncode == 1
    assert "web.graphql is not what the code says: run `matapalo schema export`" in result.stderr


def test_an_exported_schema_passes_the_check(matapalo: Command, tmp_path: Path) -> None:
    assert matapalo("schema", "export", MATAPALO_PROJECT=str(copy_of_the_shop(tmp_path))).returncode == 0
    assert matapalo("schema", "check", MATAPALO_PROJECT=str(copy_of_the_shop(tmp_path))).returncode == 0
