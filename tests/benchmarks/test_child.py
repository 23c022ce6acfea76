"""`benchmarks.child`: a process is there when it is ready, gone afterwards, and says why when it fails."""

import sys
from pathlib import Path

import psutil
import pytest

from benchmarks import child
from benchmarks.child import free_port, listens, running
from benchmarks.errors import BenchmarkError

LISTENS = "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1])))\nwhile True: s.accept()"


def python(program: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", program, *arguments]


def test_a_process_is_there_while_it_is_wanted(tmp_path: Path) -> None:
    port = free_port()
    with running("server", python(LISTENS, str(port)), folder=tmp_path, ready=listens(port)) as process:
        assert process.is_running()

    assert not psutil.pid_exists(process.pid)
    assert not listens(port)()


def test_a_process_that_fails_is_quoted(tmp_path: Path) -> None:
    complains = python("import sys; print('no such door'); sys.exit(3)")

    with (
        pytest.raises(BenchmarkError, match=r"(?s)server ended with 3:.*no such door"),
        running("server", complains, folder=tmp_path, ready=lambda: False),
    ):
        pass


def test_a_process_that_is_never_ready_is_named_and_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "READY_S", 0.1)
    before = set(psutil.Process().children())

    with (
        pytest.raises(BenchmarkError, match=r"server is not ready after 0.1 s:\n.it said nothing"),
        running("server", python("import time; time.sleep(60)"), folder=tmp_path, ready=lambda: False),
    ):
        pass
    assert set(psutil.Process().children()) == before


def test_a_process_is_ended_when_the_work_around_it_fails(tmp_path: Path) -> None:
    port = free_port()
    with (
        pytest.raises(KeyboardInterrupt),
        running("server", python(LISTENS, str(port)), folder=tmp_path, ready=listens(port)),
    ):
        raise KeyboardInterrupt

    assert not listens(port)()
