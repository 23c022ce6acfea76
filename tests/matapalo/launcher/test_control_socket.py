"""Commands from another process reach the launcher, and its refusals come back."""

import pytest

from matapalo.launcher import control_socket, pids
from matapalo.launcher.errors import CommandError, NotRunning
from matapalo.launcher.record import State
from tests.matapalo.launcher.conftest import Harness


def test_another_process_restarts_one_and_waits_for_it(harness: Harness) -> None:
    lower, upper = harness.wait_until_ready(harness.start())
    control_socket.restart(harness.platform, ["upper"])
    assert not pids.lives(upper)
    assert pids.lives(lower)
    assert [status.state for status in harness.statuses()] == [State.READY, State.READY]


def test_a_restart_of_an_unknown_process_is_refused(harness: Harness) -> None:
    children = harness.wait_until_ready(harness.start())
    with pytest.raises(CommandError, match="no process 'nonsense': choose one of lower, upper") as caught:
        control_socket.restart(harness.platform, ["upper", "nonsense"])
    assert caught.value.exit_code == 2
    assert all(pids.lives(child) for child in children)


def test_a_restart_without_a_platform_says_what_to_do(harness: Harness) -> None:
    with pytest.raises(NotRunning, match="start it with `matapalo up`"):
        control_socket.restart(harness.platform, ["upper"])


def test_a_restart_after_kill_9_says_that_no_platform_runs(harness: Harness) -> None:
    launcher = harness.start()
    orphans = harness.wait_until_ready(launcher)
    harness.kill(launcher)
    with pytest.raises(NotRunning, match="no platform runs in"):
        control_socket.restart(harness.platform, ["upper"])
    assert all(pids.lives(orphan) for orphan in orphans)
