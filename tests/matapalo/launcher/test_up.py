"""`matapalo up` as a process of its own, over two sample processes: signals, locks, and what a `kill -9` leaves."""

import asyncio
import io
import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from rich.console import Console

from matapalo.launcher import control_socket, leftovers, pids
from matapalo.launcher import up as up_module
from matapalo.launcher.errors import LauncherError, NotRunning
from matapalo.launcher.platform import DataDir, Platform
from matapalo.launcher.progress import PlainProgress
from matapalo.launcher.supervisor import Supervisor
from tests.harness.eventually import eventually, eventually_sync
from tests.matapalo.launcher.sample_processes import QUICK, process

ROOT = Path(__file__).parents[3]
LINE = [sys.executable, "-m", "tests.matapalo.launcher.sample_processes"]


Up = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """Starts the sample platform in ``tmp_path``; every launcher is stopped at the end."""
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
    record: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"phase": "", "pid": 0}
    return record


def wait_until_ready(data: Path, launcher: subprocess.Popen[str]) -> list[psutil.Process]:
    def ready() -> bool:
        assert launcher.poll() is None, launcher.communicate()[0]
        return (recorded(data)["phase"], recorded(data)["pid"]) == ("ready", launcher.pid)

    eventually_sync(ready, deadline_s=20, message="the platform is ready")
    return [psutil.Process(status["pid"]) for status in recorded(data)["processes"]]


def output_of(launcher: subprocess.Popen[str]) -> str:
    return launcher.communicate(timeout=20)[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_is_a_success(up: Up, tmp_path: Path, number: signal.Signals) -> None:
    launcher = up()
    children = wait_until_ready(tmp_path, launcher)
    launcher.send_signal(number)
    output = output_of(launcher)
    assert launcher.returncode == 0, output
    assert output.index("upper stopped") < output.index("lower stopped")
    assert not any(pids.lives(child) for child in children)


def test_ctrl_c_works_although_sigint_was_inherited_ignored(up: Up, tmp_path: Path) -> None:
    launcher = up(before="trap '' INT;")
    wait_until_ready(tmp_path, launcher)
    launcher.send_signal(signal.SIGINT)
    assert "upper stopped" in output_of(launcher)
    assert launcher.returncode == 0


def test_after_kill_9_the_next_start_stops_what_is_left(up: Up, tmp_path: Path) -> None:
    killed = up()
    orphans = wait_until_ready(tmp_path, killed)
    killed.kill()
    killed.communicate()
    assert all(pids.lives(orphan) for orphan in orphans)

    again = up()
    wait_until_ready(tmp_path, again)
    assert not any(pids.lives(orphan) for orphan in orphans)
    again.send_signal(signal.SIGTERM)
    output = output_of(again)
    assert "an earlier launcher ended without stopping its processes" in output
    assert all(f"pid {orphan.pid}" in output for orphan in orphans)


def test_a_signal_while_cleaning_up_starts_nothing(up: Up, tmp_path: Path) -> None:
    killed = up()
    orphans = wait_until_ready(tmp_path, killed)
    for orphan in orphans:
        orphan.suspend()  # so that they end only after the grace period
    killed.kill()
    killed.communicate()

    again = up()
    assert again.stdout is not None
    assert "an earlier launcher" in again.stdout.readline()
    again.send_signal(signal.SIGTERM)
    for orphan in orphans:
        orphan.resume()
    output = output_of(again)
    assert again.returncode == 128 + signal.SIGTERM
    assert not any(pids.lives(orphan) for orphan in orphans)
    assert "ready" not in output


def test_a_second_start_in_the_same_folder_says_who_holds_it(up: Up, tmp_path: Path) -> None:
    first = up()
    children = wait_until_ready(tmp_path, first)
    second = up()
    output = output_of(second)
    assert second.returncode != 0
    assert f"pid {first.pid}" in output
    assert "AlreadyRunning" in output  # this program has no cli around it that would print the message alone
    assert all(pids.lives(child) for child in children)


def test_another_process_restarts_one_and_waits_for_it(up: Up, tmp_path: Path) -> None:
    launcher = up()
    lower, upper = wait_until_ready(tmp_path, launcher)
    control_socket.restart(Platform(DataDir.at(tmp_path)), ["upper"])
    assert not pids.lives(upper)
    assert pids.lives(lower)
    assert [status["state"] for status in recorded(tmp_path)["processes"]] == ["ready", "ready"]


def test_a_restart_of_an_unknown_process_is_refused(up: Up, tmp_path: Path) -> None:
    children = wait_until_ready(tmp_path, up())
    with pytest.raises(LauncherError, match="no process 'nonsense': choose one of lower, upper") as caught:
        control_socket.restart(Platform(DataDir.at(tmp_path)), ["upper", "nonsense"])
    assert caught.value.exit_code == 2
    assert all(pids.lives(child) for child in children)


def test_a_restart_without_a_platform_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="start it with `matapalo up`"):
        control_socket.restart(Platform(DataDir.at(tmp_path)), ["upper"])


async def test_a_changed_source_restarts_the_processes_it_belongs_to(local: Platform, tmp_path: Path) -> None:
    (tmp_path / "matapalo" / "cli").mkdir(parents=True)
    web = replace(process("web"), sources=(tmp_path / "matapalo",))
    lines = io.StringIO()
    supervisor = Supervisor(local, [web], progress=PlainProgress(Console(file=lines)), timings=QUICK)
    await supervisor.start()
    reloading = asyncio.create_task(up_module.restart_on_change([web], supervisor, PlainProgress(Console(file=lines))))
    try:
        numbers = itertools.count()

        def edit_until_restarted() -> bool:
            (tmp_path / "matapalo" / "cli" / "up.pyc").touch()
            (tmp_path / "matapalo" / "cli" / "up.py").write_text(f"number = {next(numbers)}")
            return supervisor.statuses[0].restarts > 0

        await eventually(edit_until_restarted, message="the process is restarted")
        assert "up.py changed, restarting web" in lines.getvalue()
    finally:
        reloading.cancel()
        await supervisor.stop()
