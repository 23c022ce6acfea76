"""The record of the last start is checked against the processes that live now."""

from matapalo.launcher import status
from tests.matapalo.launcher.conftest import Harness
from tests.matapalo.launcher.sample_processes import ROWS


def states(harness: Harness) -> list[str]:
    return [row.state for row in status.rows(harness.platform, ROWS)]


def test_states_follow_the_processes_not_the_record(harness: Harness) -> None:
    assert states(harness) == ["stopped", "stopped"]
    launcher = harness.start()
    harness.wait_until_ready(launcher)
    assert states(harness) == ["ready", "ready"]
    (harness.platform.data.root / "upper.ready").unlink()
    lower, upper = status.rows(harness.platform, ROWS)
    assert (lower.is_up, upper.state, upper.note) == (True, "not ready", "no file yet")
    harness.kill(launcher)
    assert states(harness) == [status.LEFT_BEHIND, status.LEFT_BEHIND]
