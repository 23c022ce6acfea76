"""`matapalo up` as a process of its own, over two sample processes: signals, locks, and what a `kill -9` leaves."""

import asyncio
import io
import itertools
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from matapalo.launcher import pids
from matapalo.launcher.platform import Platform
from matapalo.launcher.progress import Progress
from matapalo.launcher.supervisor import Supervisor
from matapalo.launcher.up import restart_on_change
from tests.harness.eventually import eventually
from tests.matapalo.launcher.conftest import Harness
from tests.matapalo.launcher.sample_processes import QUICK, process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_is_a_success(harness: Harness, number: signal.Signals) -> None:
    launcher = harness.start()
    children = harness.wait_until_ready(launcher)
    launcher.send_signal(number)
    output = harness.output_of(launcher)
    assert launcher.returncode == 0, output
    assert output.index("upper stopped") < output.index("lower stopped")
    assert not any(pids.lives(child) for child in children)


def test_ctrl_c_works_although_sigint_was_inherited_ignored(harness: Harness) -> None:
    launcher = harness.start(before="trap '' INT;")
    harness.wait_until_ready(launcher)
    launcher.send_signal(signal.SIGINT)
    assert "upper stopped" in harness.output_of(launcher)
    assert launcher.returncode == 0


def test_after_kill_9_the_next_start_stops_what_is_left(harness: Harness) -> None:
    killed = harness.start()
    orphans = harness.wait_until_ready(killed)
    harness.kill(killed)
    assert all(pids.lives(orphan) for orphan in orphans)

    again = harness.start()
    harness.wait_until_ready(again)
    assert not any(pids.lives(orphan) for orphan in orphans)
    again.send_signal(signal.SIGTERM)
    output = harness.output_of(again)
    assert "an earlier launcher ended without stopping its processes" in output
    assert all(f"pid {orphan.pid}" in output for orphan in orphans)


def test_a_signal_while_cleaning_up_starts_nothing(harness: Harness) -> None:
    killed = harness.start()
    orphans = harness.wait_until_ready(killed)
    for orphan in orphans:
        orphan.suspend()  # so that they end only after the grace period
    harness.kill(killed)

    again = harness.start()
    assert again.stdout is not None
    assert "an earlier launcher" in again.stdout.readline()
    again.send_signal(signal.SIGTERM)
    for orphan in orphans:
        orphan.resume()
    output = harness.output_of(again)
    assert again.returncode == 128 + signal.SIGTERM
    assert not any(pids.lives(orphan) for orphan in orphans)
    assert "ready" not in output


def test_a_second_start_in_the_same_folder_says_who_holds_it(harness: Harness) -> None:
    first = harness.start()
    children = harness.wait_until_ready(first)
    second = harness.start()
    output = harness.output_of(second)
    assert second.returncode != 0
    assert f"pid {first.pid}" in output
    assert "AlreadyRunning" in output  # this program has no cli around it that would print the message alone
    assert all(pids.lives(child) for child in children)


async def test_a_changed_source_restarts_the_processes_it_belongs_to(local: Platform, tmp_path: Path) -> None:
    (tmp_path / "matapalo" / "cli").mkdir(parents=True)
    web = replace(process("web"), sources=(tmp_path / "matapalo",))
    lines = io.StringIO()
    supervisor = Supervisor(local, [web], progress=Progress(Console(file=lines)), timings=QUICK)
    await supervisor.start()
    reloading = asyncio.create_task(restart_on_change([web], supervisor, Progress(Console(file=lines))))
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
