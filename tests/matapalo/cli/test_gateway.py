"""The command line: what it prints, and what it says about wrong input."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from matapalo.cli.gateway import main
from tests.harness.tokens import jwks

FILES = ("bootstrap.yaml", "cds.json", "rds.edge.json", "rds.internal.json", "lds.json")


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jwks.json").write_text(json.dumps(jwks()))
    monkeypatch.setenv("MATAPALO_ENV", "development")
    monkeypatch.setenv("GATEWAY_JWKS_FILE", str(tmp_path / "jwks.json"))


def gateway(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_help_names_the_commands() -> None:
    result = gateway("--help")
    assert result.exit_code == 0
    for command in ("control", "agent", "render"):
        assert command in result.output


def test_render_prints_all_files() -> None:
    result = gateway("render")
    assert result.exit_code == 0
    assert [line.removeprefix("--- ") for line in result.stdout.splitlines() if line.startswith("--- ")] == list(FILES)


def test_render_prints_one_file_as_it_is() -> None:
    result = gateway("render", "--only", "rds.internal.json")
    assert json.loads(result.stdout)["resources"][0]["name"] == "internal"


def test_render_writes_a_folder(tmp_path: Path) -> None:
    result = gateway("render", "--out", str(tmp_path / "out"))
    assert result.exit_code == 0
    assert {file.name for file in (tmp_path / "out").iterdir()} == set(FILES)


def test_wrong_routes_are_told_one_by_one(tmp_path: Path) -> None:
    routes = tmp_path / "routes.toml"
    routes.write_text('[orders]\nprefix = "/orders"\nnew = "odrers"\nseed = 1\n')
    result = gateway("render", "--routes", str(routes))
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert lines[0].startswith("gateway: route 'orders': prefix is '/orders': write a path below /api")
    assert lines[1].startswith("gateway: route 'orders': new is 'odrers', which is no upstream")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("render", "--only", "rds.json"), "there is no such file"),
        (("render", "--routes", "/nowhere.toml"), "/nowhere.toml: No such file or directory"),
        (("render", "--out", "/dev/null/x"), "the folder '/dev/null/x' cannot be made: Not a directory"),
    ],
)
def test_wrong_arguments_are_told(arguments: tuple[str, ...], sentence: str) -> None:
    result = gateway(*arguments)
    assert (result.exit_code, sentence in result.stderr) == (2, True)


@pytest.mark.parametrize("command", ["control", "agent", "render"])
def test_wrong_settings_stop_every_command(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("GATEWAY_EDGE_PROT", "1")
    result = gateway(command)
    assert result.exit_code == 2
    assert result.stderr == "gateway: GATEWAY_EDGE_PROT is no setting of the gateway: correct or unset it\n"
