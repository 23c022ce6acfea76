"""A launcher is stopped from another process. (Starting one: tests/stack/test_the_platform_starts_and_stops.py.)"""

import io

from rich.console import Console

from matapalo.launcher import detach, pids
from matapalo.launcher.progress import Progress
from tests.matapalo.launcher.conftest import Harness


def stop(harness: Harness) -> str:
    output = io.StringIO()
    detach.stop(harness.platform, display=Progress(Console(file=output)))
    return output.getvalue()


def test_down_waits_for_the_last_process(harness: Harness) -> None:
    launcher = harness.start()
    children = harness.wait_until_ready(launcher)
    assert stop(harness) == "stopped\n"
    assert not any(pids.lives(child) for child in children)
    assert "lower stopped" in harness.output_of(launcher)


def test_down_after_kill_9_stops_what_is_left(harness: Harness) -> None:
    launcher = harness.start()
    orphans = harness.wait_until_ready(launcher)
    harness.kill(launcher)
    assert f"upper (pid {orphans[1].pid})" in stop(harness)
    assert not any(pids.lives(orphan) for orphan in orphans)
    assert "nothing runs in" in stop(harness)
