"""A reference of `matapalo.toml` is the object it names; one that is wrong names its key."""

from pathlib import Path

import pytest

from matapalo.project.location import ProjectError
from matapalo.project.reader import load
from matapalo.project.references import resolve
from tests.harness.shop import SHOP, copy_of_the_shop


def test_a_reference_is_resolved_from_the_projects_folder(tmp_path: Path) -> None:
    (tmp_path / "their_module_of_a_test.py").write_text("answer = 42")
    project = load(copy_of_the_shop(tmp_path))
    assert resolve(project, "their_module_of_a_test:answer", key="worker.register") == 42


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        (
            "bff.wbe.schema:build_schema",
            "clients.web.schema is 'bff.wbe.schema:build_schema': there is no module bff.wbe",
        ),
        ("bff.web.schema:build", "clients.web.schema is 'bff.web.schema:build': bff.web.schema has no 'build'"),
    ],
)
def test_a_wrong_reference_names_its_key(reference: str, sentence: str) -> None:
    with pytest.raises(ProjectError) as caught:
        resolve(SHOP, reference, key="clients.web.schema")
    assert sentence in str(caught.value)
