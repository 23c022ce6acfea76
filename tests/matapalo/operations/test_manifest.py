"""Manifests: the same bytes each time, an id that any tool can compute, and refusals that name the file."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
import strawberry

from matapalo.operations.document import Documents
from matapalo.operations.limits import DocumentLimits
from matapalo.operations.manifest import Entry, ManifestError, build, read


@strawberry.type
class Query:
    home: str = "home"


DOCUMENTS = Documents(strawberry.Schema(query=Query), DocumentLimits())
HOME = "query Home {\n  home\n}\n"


def folder(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp_path / f"{name}.graphql").write_text(text)
    return tmp_path


def test_a_manifest_is_read_as_it_was_built(tmp_path: Path) -> None:
    manifest = tmp_path / "mobile.manifest.json"
    manifest.write_bytes(build(folder(tmp_path, Home=HOME, Again="query Again { home }"), DOCUMENTS))
    again, home = read(manifest)
    assert home == Entry(sha256(HOME.encode()).hexdigest(), "Home", "query", HOME)
    assert again.name == "Again"


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    source = folder(tmp_path, Home=HOME)
    assert build(source, DOCUMENTS) == build(source, DOCUMENTS)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("query Home {", r"Home\.graphql: Syntax Error"),
        ("query Home { nothing }", r"Home\.graphql: Cannot query field"),
        ("{ home }", r"Home\.graphql must hold exactly one operation, with a name"),
        ("query A { home } query B { home }", "exactly one operation"),
    ],
)
def test_a_file_that_cannot_be_persisted_is_named(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ManifestError, match=reason):
        build(folder(tmp_path, Home=text), DOCUMENTS)


GOOD = {"id": sha256(HOME.encode()).hexdigest(), "name": "Home", "type": "query", "body": HOME}
HEAD = {"format": "apollo-persisted-query-manifest", "version": 1}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a manifest"),
        (json.dumps({"format": "other", "version": 1, "operations": []}), "is not a manifest"),
        (json.dumps({**HEAD, "version": 2, "operations": []}), "is not a manifest"),
        (json.dumps({**HEAD, "operations": [{**GOOD, "id": "0" * 64}]}), "is not the SHA-256 of its body"),
        (json.dumps({**HEAD, "operations": [{"id": "x"}]}), "must have exactly id, name, type and body"),
    ],
)
def test_an_inconsistent_manifest_is_refused(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "mobile.manifest.json"
    path.write_text(content)
    with pytest.raises(ManifestError, match=reason):
        read(path)


def test_a_missing_manifest_says_what_writes_it(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="`matapalo operations build` writes it"):
        read(tmp_path / "mobile.manifest.json")
