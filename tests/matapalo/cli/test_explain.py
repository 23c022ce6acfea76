"""How an operation is executed, and why one cannot be explained."""

import json
from pathlib import Path

import pytest

from tests.matapalo.cli.conftest import Command


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "Two.graphql"
    path.write_text("query One { me { id } } query Two { product(id: 1) { stock } }")
    return path


def test_explain_prints_a_line_for_each_field(matapalo: Command, file: Path) -> None:
    result = matapalo("explain", str(file), "--operation", "Two")
    assert (result.returncode, result.stderr) == (0, "")
    assert [" ".join(line.split()) for line in result.stdout.splitlines()[:3]] == [
        "Query graphql-core: its fields have resolvers",
        "product: Product resolver WebQuery.product level 1",
        "stock: Int relation: load_available by id, one call per level",
    ]


def test_explain_prints_json(matapalo: Command, file: Path) -> None:
    result = matapalo("explain", str(file), "--operation", "One", "--json")
    (me,) = json.loads(result.stdout)["fields"]
    assert (me["name"], me["source"], me["selections"][0]["level"]) == ("me", "resolver", 1)


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("{ me {\n nothing } }", (), "x.graphql:2:2: Cannot query field 'nothing'"),
        ("{ me {", (), "x.graphql:1:7: Syntax Error"),
        ("{ me { id } }", ("--client", "tv"), "there is no client 'tv'"),
        ("{ me { id } }", ("--operation", "Two"), "operationName 'Two' is unknown"),
    ],
)
def test_what_cannot_be_explained_is_one_sentence(
    matapalo: Command, tmp_path: Path, text: str, options: tuple[str, ...], sentence: str
) -> None:
    file = tmp_path / "x.graphql"
    file.write_text(text)
    result = matapalo("explain", str(file), *options)
    assert (result.returncode, sentence in result.stderr) == (2, True), result.stderr


def test_an_absent_file_is_wrong_usage(matapalo: Command) -> None:
    result = matapalo("explain", "nowhere.graphql")
    assert (result.returncode, "'nowhere.graphql' does not exist" in result.stderr) == (2, True)
