"""The command: one sentence for each problem of the environment, and generated files that are what the code says."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from matapalo.cli.bff import app

GOOD = {
    "MATAPALO_ENV": "development",
    "BFF_JWKS_FILE": "/nowhere/jwks.json",
    "BFF_SECRETS": '["0123456789abcdef0123456789abcdef"]',
}


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env=environment)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"BFF_PROT": "8001"}, "BFF_PROT is not a setting of the BFF: is it misspelt?"),
        ({"BFF_PORT": "many"}, "BFF_PORT: Input should be a valid integer"),
        ({"BFF_PORT": "70000"}, "BFF_PORT: Input should be less than or equal to 65535"),
        ({"MATAPALO_ENV": "staging"}, "MATAPALO_ENV: Input should be 'development' or 'production'"),
        ({"BFF_SECRETS": "[]"}, "BFF_SECRETS is empty"),
        ({"BFF_SECRETS": '["short"]'}, "BFF_SECRETS[0] has 5 characters"),
        ({"BFF_SECRETS": "{not json"}, "give it as JSON"),
        ({"MATAPALO_ENV": "production"}, "BFF_JWT_ISSUER is 'matapalo-dev'"),
    ],
)
@pytest.mark.parametrize("command", ["web", "mobile", "worker"])
def test_a_problem_of_the_environment_is_one_sentence(command: str, changed: dict[str, str], sentence: str) -> None:
    result = run(command, **(GOOD | changed))
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert sentence in result.stderr
    assert "0123456789abcdef" not in result.stderr


def test_two_problems_are_two_sentences() -> None:
    result = run("web", **(GOOD | {"BFF_PROT": "1", "BFF_PORT": "x"}))
    assert len(result.stderr.splitlines()) == 2


def test_a_missing_manifest_is_a_sentence(tmp_path: Path) -> None:
    result = run("mobile", **(GOOD | {"BFF_SCHEMA_DIR": str(tmp_path)}))
    assert result.exit_code == 2
    assert "'bff operations build' writes it" in result.stderr


@pytest.mark.parametrize("what", ["schema", "operations"])
def test_the_committed_files_are_what_the_code_says(what: str) -> None:
    result = run(what, "check")
    assert (result.exit_code, result.stderr) == (0, "")


def test_a_stale_file_is_named_with_its_remedy(tmp_path: Path) -> None:
    result = run("schema", "check", "--schema-dir", str(tmp_path))
    assert result.exit_code == 1
    assert "web.graphql is not what the code says: run 'bff schema export'" in result.stderr


def test_an_operation_that_does_not_fit_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "operations" / "mobile"
    folder.mkdir(parents=True)
    (folder / "Broken.graphql").write_text("query Broken { nothing }")
    result = run("operations", "build", "--schema-dir", str(tmp_path))
    assert result.exit_code == 2
    assert "Broken.graphql: Cannot query field 'nothing'" in result.stderr


def test_what_is_exported_is_then_checked_as_good(tmp_path: Path) -> None:
    assert run("schema", "export", "--schema-dir", str(tmp_path)).exit_code == 0
    assert run("schema", "check", "--schema-dir", str(tmp_path)).exit_code == 0


def test_cost_prints_the_working(tmp_path: Path) -> None:
    file = tmp_path / "Products.graphql"
    file.write_text("query ($first: Int) { products(first: $first) { nodes { id stock } } }")
    result = run("cost", str(file), "--variables", '{"first": 3}')
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "7 points, at most 4 objects",
        "  products       7 = 1 + 6",
        "    nodes        6 = 3 x (1 + 1)",
        "      stock      1 = 1",
    ]


@pytest.mark.parametrize(
    ("text", "given", "sentence"),
    [
        ("{ nothing }", (), "Cannot query field 'nothing'"),
        ("{ me { id } }", ("--variables", "[1]"), "--variables must be a JSON object"),
        ("{ me { id } }", ("--variables", "{"), "--variables is not JSON"),
        ("{ me { id } }", ("--client", "mobile"), "Cannot query field 'me'"),
    ],
)
def test_what_has_no_cost_is_a_sentence(tmp_path: Path, text: str, given: tuple[str, ...], sentence: str) -> None:
    file = tmp_path / "x.graphql"
    file.write_text(text)
    result = run("cost", str(file), *given)
    assert result.exit_code == 2
    assert sentence in result.stderr
