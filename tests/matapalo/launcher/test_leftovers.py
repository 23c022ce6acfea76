"""What a killed launcher leaves behind is recognised and stopped; another process never is."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from matapalo.launcher import environment, leftovers, pids, record
from matapalo.launcher.leftovers import Leftover
from matapalo.launcher.platform import Platform
from matapalo.launcher.record import Phase, Record, State, Status
from tests.harness.eventually import eventually_sync

SLEEPS = "import signal; signal.pause()"
IGNORES_SIGTERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: signal.pause()"


@contextmanager
def running(code: str = SLEEPS, *, mark: str | None = None) -> Iterator[psutil.Process]:
    """A process of its own session, with a data directory's mark in its environment or without."""
    variables = dict(os.environ)  # noqa: TID251 - as a launcher builds it
    env = variables if mark is None else {**variables, environment.MARK: mark}
    child = subprocess.Popen([sys.executable, "-c", code], env=env, start_new_session=True)
    try:
        process = psutil.Process(child.pid)
        eventually_sync(lambda: code in process.cmdline() and process.status() == psutil.STATUS_SLEEPING)
        yield process
    finally:
        child.kill()
        child.wait()


def write_record(platform: Platform, name: str, pid: int, created: float) -> None:
    status = Status(name=name, state=State.READY, since=created, layer=3, pid=pid, created=created)
    record.write(platform.data.record, Record(pid=1, created=0.0, offset=0, phase=Phase.READY, processes=[status]))


def test_a_recorded_process_is_found_and_stopped(local: Platform) -> None:
    with running() as process:
        write_record(local, "web", process.pid, process.create_time())
        processes = leftovers.find(local.data)
        assert processes == [Leftover("web", process, layer=3)]
        leftovers.stop(processes)
        assert not pids.lives(process)
        assert leftovers.find(local.data) == []


def test_another_process_with_a_reused_pid_is_left_alone(local: Platform) -> None:
    with running() as process:
        write_record(local, "web", process.pid, process.create_time() - 3600)
        assert leftovers.find(local.data) == []


def test_an_unrecorded_process_is_recognised_by_its_mark(local: Platform) -> None:
    with running(mark=str(local.data.root)) as process:
        processes = leftovers.find(local.data)
        assert processes == [Leftover("", process)]
        leftovers.stop(processes)
        assert not pids.lives(process)


def test_the_mark_of_another_data_directory_is_not_ours(local: Platform) -> None:
    with running(mark=f"{local.data.root}-2"):
        assert leftovers.find(local.data) == []


def test_a_leftover_that_ignores_sigterm_is_killed(local: Platform) -> None:
    with running(IGNORES_SIGTERM) as process:
        write_record(local, "web", process.pid, process.create_time())
        leftovers.stop(leftovers.find(local.data), grace_s=0.2)
        assert not pids.lives(process)
