"""The field's words: no file breaks a rule of `glossary.py`."""

from pathlib import Path

import pytest

from tests.architecture import glossary

CHECKED = list(glossary.files(*(glossary.ROOT / folder for folder in glossary.FOLDERS)))


@pytest.mark.parametrize("path", CHECKED, ids=lambda path: path.relative_to(glossary.ROOT).as_posix())
def test_a_file_speaks_the_fields_words(path: Path) -> None:
    assert list(glossary.violations(path)) == []


def test_there_are_files_to_check() -> None:
    assert Path(__file__).with_name("test_the_tree.py") in CHECKED
    assert glossary.ROOT / "README.md" in CHECKED


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
