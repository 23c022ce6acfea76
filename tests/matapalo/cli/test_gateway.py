"""The strangler's processes from the command line: Envoy's files, and what is said about wrong settings."""

import json
from pathlib import Path

import pytest

from tests.harness.tokens import jwks
from tests.matapalo.cli.conftest import Command

FILES = ("bootstrap.yaml", "cds.json", "rds.edge.json", "rds.internal.json", "lds.json")


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jwks.json").write_text(json.dumps(jwks()))
    monkeypatch.setenv("MATAPALO_ENV", "development")
    monkeypatch.setenv("GATEWAY_JWKS_FILE", str(tmp_path / "jwks.json"))


def test_help_names_the_processes(matapalo: Command) -> None:
    result = matapalo("gateway", "-h")
    assert result.returncode == 0
    for command in ("control", "agent", "render"):
        assert command in result.stdout


def test_render_prints_all_files(matapalo: Command) -> None:
    result = matapalo("gateway", "render")
    assert result.returncode == 0
    assert [line.removeprefix("--- ") for line in result.stdout.splitlines() if line.startswith("--- ")] == list(FILES)


def test_render_prints_one_file_as_it_is(matapalo: Command) -> None:
    result = matapalo("gateway", "render", "--only", "rds.internal.json")
    assert json.loads(result.stdout)["resources"][0]["name"] == "internal"


def test_render_writes_a_folder(matapalo: Command, tmp_path: Path) -> None:
    result = matapalo("gateway", "render", "--out", str(tmp_path / "out"))
    assert result.returncode == 0
    assert {file.name for file in (tmp_path / "out").iterdir()} == set(FILES)


def test_render_needs_no_keys(matapalo: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MATAPALO_ENV", "GATEWAY_JWKS_FILE"):
        monkeypatch.delenv(name)
    result = matapalo("gateway", "render", "--only", "lds.json")
    assert result.returncode == 0
    assert "https://issuer.invalid/jwks.json" in json.dumps(json.loads(result.stdout))
    assert result.stderr == "no GATEWAY_JWKS_FILE or GATEWAY_JWKS_URL: showing https://issuer.invalid/jwks.json\n"


def test_a_process_needs_keys(matapalo: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEWAY_JWKS_FILE")
    result = matapalo("gateway", "control")
    assert (result.returncode, "set either GATEWAY_JWKS_URL" in result.stderr) == (2, True)


def test_wrong_routes_are_told_one_by_one(matapalo: Command, tmp_path: Path) -> None:
    routes = tmp_path / "routes.toml"
    routes.write_text('[orders]\nprefix = "/orders"\nnew = "odrers"\nseed = 1\n')
    result = matapalo("gateway", "render", "--routes", str(routes))
    assert result.returncode == 2
    lines = result.stderr.splitlines()
    assert lines[0].startswith("matapalo: route 'orders': prefix is '/orders': write a path below /api")
    assert lines[1].startswith("route 'orders': new is 'odrers', which is no upstream")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("render", "--only", "rds.json"), "there is no such file"),
        (("render", "--routes", "/nowhere.toml"), "/nowhere.toml: No such file or directory"),
        (("render", "--out", "/dev/null/x"), "the folder '/dev/null/x' cannot be made: Not a directory"),
    ],
)
def test_wrong_arguments_are_told(matapalo: Command, arguments: tuple[str, ...], sentence: str) -> None:
    result = matapalo("gateway", *arguments)
    assert (result.returncode, sentence in result.stderr) == (2, True)


@pytest.mark.parametrize("command", ["control", "agent", "render"])
def test_wrong_settings_stop_every_command(matapalo: Command, command: str) -> None:
    result = matapalo("gateway", command, GATEWAY_EDGE_PROT="1")
    assert result.returncode == 2
    assert result.stderr == "matapalo: GATEWAY_EDGE_PROT is no setting of the gateway: correct or unset it\n"
