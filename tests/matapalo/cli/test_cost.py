"""What an operation costs, and why one has no cost."""

from pathlib import Path

import pytest

from tests.matapalo.cli.conftest import Command


def test_cost_prints_the_working(matapalo: Command, tmp_path: Path) -> None:
    file = tmp_path / "Products.graphql"
    file.write_text("query ($first: Int) { products(first: $first) { nodes { id stock } } }")
    result = matapalo("cost", str(file), "--variables", '{"first": 3}')
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "7 points, at most 4 objects",
        "  products       7 = 1 + 6",
        "    nodes        6 = 3 x (1 + 1)",
        "      stock      1 = 1",
    ]


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("{ nothing }", (), "Cannot query field 'nothing'"),
        ("{ me { id } }", ("--variables", "[1]"), "--variables must be a JSON object"),
        ("{ me { id } }", ("--variables", "{"), "--variables is not JSON"),
        ("{ me { id } }", ("--client", "mobile"), "Cannot query field 'me'"),
    ],
)
def test_an_operation_without_a_cost_is_one_sentence(
    matapalo: Command, tmp_path: Path, text: str, options: tuple[str, ...], sentence: str
) -> None:
    file = tmp_path / "x.graphql"
    file.write_text(text)
    result = matapalo("cost", str(file), *options)
    assert result.returncode == 2
    assert sentence in result.stderr
