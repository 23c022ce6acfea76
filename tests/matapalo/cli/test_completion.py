"""Names for the shell: of the project, of the last start, of the live table; nothing when there is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from matapalo.launcher import record
from matapalo.launcher.platform import Platform
from matapalo.launcher.record import Phase, Record, State, Status
from tests.harness.shop import SHOP

SHELL = {"_MATAPALO_COMPLETE": "complete_bash", "PATH": os.environ["PATH"]}  # noqa: TID251 - as a shell calls it


def completed(*words: str, cwd: Path | None = None) -> list[str]:
    """What bash would offer for the last of the words."""
    environment = SHELL | {"COMP_WORDS": " ".join(["matapalo", *words]), "COMP_CWORD": str(len(words))}
    result = subprocess.run(
        [Path(sys.executable).with_name("matapalo")],
        env=environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr == ""
    return result.stdout.split()


def test_clients_and_services_are_those_of_the_project() -> None:
    assert completed("serve", "") == list(SHOP.clients)
    assert completed("graphiql", "--client", "m") == ["mobile"]
    assert completed("fault", "set", "pro") == ["products"]
    assert completed("up", "--port-offset", "3") == ["300"]


def test_processes_are_those_of_the_last_start(local: Platform) -> None:
    statuses = [Status(name=name, state=State.READY, since=0) for name in ("valkey", "web", "worker")]
    record.write(local.data.record, Record(pid=1, created=0, offset=0, phase=Phase.READY, processes=statuses))
    assert completed("restart", "--data-dir", str(local.data.root), "w") == ["web", "worker"]
    local.data.log("web").touch()
    local.data.log("launcher").touch()
    assert completed("logs", "--data-dir", str(local.data.root), "") == ["launcher", "web"]


def test_routes_are_those_of_the_live_table(local: Platform) -> None:
    (local.data.envoy / "rds.internal.json").write_text('{"name":"orders:new:share"},{"name":"returns:legacy:default"}')
    assert completed("routes", "show", "--data-dir", str(local.data.root), "") == ["orders", "returns"]


def test_before_the_first_start_routes_are_those_of_the_project(tmp_path: Path) -> None:
    assert completed("routes", "set", "--data-dir", str(tmp_path / "none"), "shi") == ["shipping"]


@pytest.mark.parametrize("words", [("serve", ""), ("restart", ""), ("logs", ""), ("routes", "show", "")])
def test_outside_a_project_there_is_nothing_to_offer(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert completed(*words, cwd=tmp_path) == []
