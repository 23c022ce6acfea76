"""`matapalo up` as a process of its own, over two tiny processes: signals, locks, and what a `kill -9` leaves."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from matapalo.launcher import leftovers, pids
from matapalo.launcher.datadir import DataDir
from tests.harness.waiting import eventually_sync

ROOT = Path(__file__).parents[3]
LINE = [sys.executable, "-m", "tests.matapalo.launcher.tiny"]


Up = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """Starts the tiny platform in ``tmp_path``; every launcher is stopped at the end, whatever happened."""
    launchers: list[subprocess.Popen[str]] = []

    def start(*, before: str = "") -> subprocess.Popen[str]:
        line = [*LINE, str(tmp_path)]
        line = ["/bin/sh", "-c", f'{before} exec "$@"', "sh", *line] if before else line
        launcher = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        launchers.append(launcher)
        return launcher

    yield start
    for launcher in launchers:
        if launcher.poll() is None:
            launcher.terminate()
            launcher.communicate(timeout=20)
    leftovers.stop(leftovers.find(DataDir.at(tmp_path)))
    DataDir.at(tmp_path).remove_sockets()


def recorded(data: Path) -> dict[str, Any]:
    path = data / "run" / "processes.json"
    written: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"phase": "", "pid": 0}
    return written


def wait_until_ready(data: Path, launcher: subprocess.Popen[str]) -> list[psutil.Process]:
    def ready() -> bool:
        assert launcher.poll() is None, launcher.communicate()[0]
        return (recorded(data)["phase"], recorded(data)["pid"]) == ("ready", launcher.pid)

    eventually_sync(ready, deadline_s=20, message="tiny platform")
    return [psutil.Process(status["pid"]) for status in recorded(data)["processes"]]


def said_at_its_end(launcher: subprocess.Popen[str]) -> str:
    return launcher.communicate(timeout=20)[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_is_a_success(up: Up, tmp_path: Path, number: signal.Signals) -> None:
    launcher = up()
    children = wait_until_ready(tmp_path, launcher)
    launcher.send_signal(number)
    said = said_at_its_end(launcher)
    assert launcher.returncode == 0, said
    assert said.index("upper stopped") < said.index("lower stopped")
    assert not any(pids.lives(child) for child in children)


def test_ctrl_c_works_although_sigint_was_inherited_ignored(up: Up, tmp_path: Path) -> None:
    launcher = up(before="trap '' INT;")
    wait_until_ready(tmp_path, launcher)
    launcher.send_signal(signal.SIGINT)
    assert "upper stopped" in said_at_its_end(launcher)
    assert launcher.returncode == 0


def test_after_kill_9_the_next_start_stops_what_is_left_and_says_why(up: Up, tmp_path: Path) -> None:
    killed = up()
    orphans = wait_until_ready(tmp_path, killed)
    killed.kill()
    killed.communicate()
    assert all(pids.lives(orphan) for orphan in orphans)

    again = up()
    wait_until_ready(tmp_path, again)
    assert not any(pids.lives(orphan) for orphan in orphans)
    again.send_signal(signal.SIGTERM)
    said = said_at_its_end(again)
    assert "an earlier launcher ended without stopping its processes" in said
    assert all(f"pid {orphan.pid}" in said for orphan in orphans)


def test_a_signal_while_cleaning_up_lets_it_finish_and_starts_nothing(up: Up, tmp_path: Path) -> None:
    killed = up()
    orphans = wait_until_ready(tmp_path, killed)
    for orphan in orphans:
        orphan.suspend()  # so that they end only after the launcher's patience
    killed.kill()
    killed.communicate()

    again = up()
    assert again.stdout is not None
    assert "an earlier launcher" in again.stdout.readline()
    again.send_signal(signal.SIGTERM)
    for orphan in orphans:
        orphan.resume()
    said = said_at_its_end(again)
    assert again.returncode == 128 + signal.SIGTERM
    assert not any(pids.lives(orphan) for orphan in orphans)
    assert "ready" not in said


def test_a_second_start_in_the_same_folder_says_who_holds_it(up: Up, tmp_path: Path) -> None:
    first = up()
    children = wait_until_ready(tmp_path, first)
    second = up()
    said = said_at_its_end(second)
    assert second.returncode != 0
    assert f"pid {first.pid}" in said
    assert "AlreadyRunning" in said  # this program has no cli around it that would print the message alone
    assert all(pids.lives(child) for child in children)
