"""A process that the benchmark starts for itself: its log in a file, its own session, ended with the benchmark.

A session of its own keeps Ctrl-C away from it: the benchmark ends its children in its own order.
"""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from benchmarks.errors import BenchmarkError

READY_S = 30.0
STOP_S = 5.0
STEP_S = 0.05
LAST_LINES = 15


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running(
    name: str, command: Sequence[str], *, folder: Path, ready: Callable[[], bool], env: Mapping[str, str] | None = None
) -> Iterator[psutil.Process]:
    """The process, once ``ready`` says so. Raises BenchmarkError with the last lines of its log."""
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, start_new_session=True
        )
    try:
        deadline = time.monotonic() + READY_S
        while not ready():
            if process.poll() is not None:
                raise BenchmarkError(f"{name} ended with {process.returncode}:\n{_last_lines(log)}")
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{name} is not ready after {READY_S:g} s:\n{_last_lines(log)}")
            time.sleep(STEP_S)
        yield psutil.Process(process.pid)
    finally:
        _stop(process)


def responds(url: str) -> Callable[[], bool]:
    """Whether a GET of the address is 200."""

    def check() -> bool:
        try:
            return httpx.get(url, timeout=2, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    return check


def listens(port: int) -> Callable[[], bool]:
    """Whether a process accepts connections on a loopback port."""

    def check() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return check


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:]) or "(it said nothing)"
