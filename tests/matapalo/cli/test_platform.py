"""`matapalo up|down|restart|status|logs` without a running platform; with one: tests/stack."""

import json
from pathlib import Path

import pytest

from matapalo.launcher.platform import Platform
from matapalo.launcher.processes import table
from tests.harness.shop import SHOP
from tests.matapalo.cli.conftest import Command

NAMES = [row.name for row in table(SHOP)]


def test_logs_of_an_unknown_process_lists_the_processes(matapalo: Command, local: Platform) -> None:
    result = matapalo("logs", "nonsense", data=local.data.root)
    assert result.returncode == 2
    assert all(name in result.stderr for name in NAMES)


def test_logs_prints_the_last_lines(matapalo: Command, local: Platform) -> None:
    local.data.log("web").write_text("one\ntwo\nthree\n")
    assert matapalo("logs", "web", "-n", "2", data=local.data.root).stdout == "two\nthree\n"


def test_logs_of_a_process_that_never_started_says_so(matapalo: Command, local: Platform) -> None:
    result = matapalo("logs", "web", data=local.data.root)
    assert (result.returncode, "web has not been started" in result.stderr) == (1, True)


def test_status_of_a_stopped_platform_is_a_failure(matapalo: Command, tmp_path: Path) -> None:
    result = matapalo("status", "--json", data=tmp_path)
    assert result.returncode == 1
    assert {row["name"]: row["state"] for row in json.loads(result.stdout)} == dict.fromkeys(NAMES, "stopped")


def test_down_where_nothing_runs_is_a_success(matapalo: Command, tmp_path: Path) -> None:
    result = matapalo("down", data=tmp_path)
    assert (result.returncode, "nothing runs" in result.stdout) == (0, True)


def test_restart_where_nothing_runs_says_what_to_do(matapalo: Command, tmp_path: Path) -> None:
    result = matapalo("restart", "web", data=tmp_path)
    assert (result.returncode, "start it with `matapalo up`" in result.stderr) == (1, True)


def test_an_offset_between_the_hundreds_is_refused(matapalo: Command, tmp_path: Path) -> None:
    result = matapalo("up", "--port-offset", "50", data=tmp_path / "data")
    assert result.returncode == 2
    assert "a multiple of 100 from 100 to 900" in result.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("up",), ("down",), ("status",), ("logs", "web"), ("restart", "web"), ("mail",), ("console",), ("traffic",),
        ("token", "--customer", "cust_0001"), ("graphiql",), ("routes", "list"), ("rollout", "status"),
        ("decommission", "report"), ("limits", "show", "cust_0001"), ("fault", "clear"), ("serve", "web"), ("worker",),
        ("schema", "check"), ("operations", "check"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_outside_a_project_a_command_says_what_is_missing(
    matapalo: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    result = matapalo(*words)
    assert result.returncode == 2
    assert f"there is no matapalo.toml in {tmp_path} or a folder above it: go to the folder" in result.stderr
    assert not list(tmp_path.iterdir())
