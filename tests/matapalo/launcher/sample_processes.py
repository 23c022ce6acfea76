"""Real processes for the supervisor: rows of `python -c …` that are ready when they have written a file.

Also a program, `python -m tests.matapalo.launcher.sample_processes DATA_DIR`: `matapalo up` over two of them, to be
killed from outside.
"""

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from matapalo.launcher import up
from matapalo.launcher.platform import DataDir, Platform
from matapalo.launcher.probes import Probe
from matapalo.launcher.processes import Layer, Process
from matapalo.launcher.progress import Death, Progress
from matapalo.launcher.record import Status
from matapalo.launcher.supervisor import Timings

QUICK = Timings(probe_every_s=0.01, ready_within_s=10, grace_s=5, first_back_off_s=0.05, longest_back_off_s=0.2)
FOREVER = "import pathlib, signal; pathlib.Path('{name}.ready').touch(); signal.pause()"
SILENT = "import signal; signal.pause()"
IGNORES_SIGTERM = (
    "import pathlib, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); pathlib.Path('{name}.ready').touch(); "
    "[signal.pause() for _ in iter(int, 1)]"
)


def process(
    name: str, code: str = FOREVER, *, needs: tuple[str, ...] = (), layer: Layer = Layer.SERVICE, one_shot: bool = False
) -> Process:
    """A row whose process runs ``code`` in the data directory and is ready when NAME.ready exists there."""
    program = ("python", "-c", textwrap.dedent(code).replace("{name}", name))
    return Process(name, layer, ports={}, program=program, needs=needs, ready=None if one_shot else _file(name))


def _file(name: str) -> Callable[[Platform], Probe]:
    def of(platform: Platform) -> Probe:
        async def probe() -> str | None:
            return None if (platform.data.root / f"{name}.ready").exists() else "no file yet"

        return probe

    return of


class RecordingProgress(Progress):
    """Keeps what the supervisor reports."""

    def __init__(self) -> None:
        super().__init__(Console(quiet=True))
        self.states: list[tuple[str, str]] = []
        self.deaths: list[Death] = []

    def changed(self, status: Status) -> None:
        if (status.name, status.state) not in self.states[-1:]:
            self.states.append((status.name, str(status.state)))

    def died(self, death: Death) -> None:
        self.deaths.append(death)

    def say(self, text: str) -> None:
        raise AssertionError(f"the supervisor says nothing by itself: {text}")

    def close(self) -> None:
        raise AssertionError("the supervisor does not close its progress")


ROWS = (process("lower", layer=Layer.ENGINE), process("upper", needs=("lower",)))

if __name__ == "__main__":
    sys.exit(up.run(Platform(DataDir(Path(sys.argv[1]))), ROWS, console=Console()))
