"""`matapalo up` over the sample processes, as a process of its own that a test may kill."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from matapalo.launcher import leftovers, record
from matapalo.launcher.platform import DataDir, Platform
from matapalo.launcher.record import Phase, Status
from tests.harness.eventually import eventually_sync

ROOT = Path(__file__).parents[3]
PROGRAM = [sys.executable, "-m", "tests.matapalo.launcher.sample_processes"]

Launcher = subprocess.Popen[str]


class Harness:
    """Launchers over one data directory."""

    def __init__(self, folder: Path) -> None:
        self.platform = Platform(DataDir(folder))
        self._launchers: list[Launcher] = []

    def start(self, *, before: str = "") -> Launcher:
        """A launcher; ``before`` is shell code that runs in its process first."""
        line = [*PROGRAM, str(self.platform.data.root)]
        line = ["/bin/sh", "-c", f'{before} exec "$@"', "sh", *line] if before else line
        launcher = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._launchers.append(launcher)
        return launcher

    def wait_until_ready(self, launcher: Launcher) -> list[psutil.Process]:
        """Its processes, in the order of the table."""

        def ready() -> bool:
            assert launcher.poll() is None, launcher.communicate()[0]
            current = record.read(self.platform.data.record)
            return current is not None and (current.phase, current.pid) == (Phase.READY, launcher.pid)

        eventually_sync(ready, deadline_s=20, message="the platform is ready")
        return [psutil.Process(status.pid) for status in self.statuses()]

    def kill(self, launcher: Launcher) -> None:
        """`kill -9`, which leaves its processes behind."""
        launcher.kill()
        launcher.communicate()

    def output_of(self, launcher: Launcher) -> str:
        """All that it printed, once it has ended."""
        return launcher.communicate(timeout=20)[0]

    def statuses(self) -> list[Status]:
        """What the record of the last start says of each process."""
        current = record.read(self.platform.data.record)
        return current.processes if current else []

    def stop(self) -> None:
        """End every launcher and what killed ones left behind."""
        for launcher in self._launchers:
            if launcher.poll() is None:
                launcher.terminate()
                launcher.communicate(timeout=20)
        leftovers.stop(leftovers.find(self.platform.data))
        self.platform.data.remove_sockets()


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    harness = Harness(tmp_path)
    yield harness
    harness.stop()
