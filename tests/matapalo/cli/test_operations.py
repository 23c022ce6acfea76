"""The manifests are what the operations say."""

from pathlib import Path

from tests.harness.shop import copy_of_the_shop
from tests.matapalo.cli.conftest import Command


def test_the_committed_manifests_are_current(matapalo: Command) -> None:
    assert matapalo("operations", "check") == (0, "", "")


def test_an_operation_that_does_not_fit_is_named(matapalo: Command, tmp_path: Path) -> None:
    folder = tmp_path / "schema" / "operations" / "mobile"
    folder.mkdir(parents=True)
    (folder / "Broken.graphql").write_text("query Broken { nothing }")
    result = matapalo("operations", "build", MATAPALO_PROJECT=str(copy_of_the_shop(tmp_path)))
    assert result.returncode == 2
    assert "Broken.graphql: Cannot query field 'nothing'" in result.stderr
