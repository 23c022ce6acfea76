"""The field's words: no file breaks a rule of `glossary.py`."""

from pathlib import Path

import pytest

from tests.architecture import glossary


@pytest.mark.parametrize("folder", glossary.FOLDERS)
def test_a_folder_speaks_the_fields_words(folder: str) -> None:
    checked = list(glossary.files(glossary.ROOT / folder))
    assert checked
    assert [violation for file in checked for violation in glossary.violations(file)] == []


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ('"""A module."""\norder_answer = 1\n', "response or result"),
        ('"""A module."""\nfound = 1\n', "the noun"),
        ('"""A module."""\n# the time-out\n', "timeout"),
        ('"""A module."""\ndef f():\n    """All five."""\n', "delete it"),
        (f'"""A module."""\ndef test_{"x" * 60}():\n    pass\n', "60 at most"),
    ],
)
def test_each_kind_of_rule_finds_what_breaks_it(source: str, problem: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(glossary, "ROOT", tmp_path)
    (tmp_path / "module.py").write_text(source)
    (violation,) = glossary.violations(tmp_path / "module.py")
    assert problem in violation


def test_names_in_comprehensions_may_be_short(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(glossary, "ROOT", tmp_path)
    (tmp_path / "module.py").write_text('"""A module."""\nsquares = [each * each for each in range(3)]\n')
    assert list(glossary.violations(tmp_path / "module.py")) == []
