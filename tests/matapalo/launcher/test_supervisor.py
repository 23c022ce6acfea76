"""The supervisor over tiny real processes: order, restarts, failures of the start, and stopping."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import psutil
import pytest

from matapalo.launcher import leftovers, pids, record
from matapalo.launcher.errors import EngineUnusable, StartFailed
from matapalo.launcher.platform import Platform
from matapalo.launcher.processes import Layer, Process
from matapalo.launcher.record import Phase, State
from matapalo.launcher.supervisor import Supervisor, Timings
from tests.harness.waiting import eventually
from tests.matapalo.launcher.tiny import FOREVER, QUICK, STUBBORN, Heard, tiny


@asynccontextmanager
async def started(
    platform: Platform, rows: Sequence[Process], heard: Heard, timings: Timings = QUICK
) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(platform, rows, reporter=heard, timings=timings)
    try:
        await supervisor.start()
        yield supervisor
    finally:
        await supervisor.stop()


def pid_of(supervisor: Supervisor, name: str) -> int:
    (status,) = [status for status in supervisor.statuses if status.name == name]
    assert status.pid is not None
    return status.pid


async def test_a_process_starts_only_when_what_it_needs_is_ready(local: Platform) -> None:
    heard = Heard()
    rows = [tiny("upper", needs=("once", "lower")), tiny("lower"), tiny("once", "print('made')", one_shot=True)]
    async with started(local, rows, heard):
        order = heard.states
    assert order.index(("lower", "ready")) < order.index(("upper", "starting"))
    assert order.index(("once", "done")) < order.index(("upper", "starting"))


async def test_processes_that_need_nothing_start_side_by_side(local: Platform) -> None:
    meets = """
        import pathlib, signal, time
        pathlib.Path('{name}.here').touch()
        while len(list(pathlib.Path('.').glob('*.here'))) < 2: time.sleep(0.01)
        pathlib.Path('{name}.ready').touch(); signal.pause()
    """
    async with started(local, [tiny("one", meets), tiny("two", meets)], Heard()) as supervisor:
        assert [status.state for status in supervisor.statuses] == [State.READY, State.READY]


async def test_higher_layers_are_stopped_before_lower_ones(local: Platform) -> None:
    heard = Heard()
    rows = [tiny("engine", layer=Layer.ENGINE), tiny("service"), tiny("client", layer=Layer.CLIENT)]
    async with started(local, rows, heard):
        pass
    stopped = [name for name, state in heard.states if state == "stopped"]
    assert stopped == ["client", "service", "engine"]


async def test_a_process_that_dies_is_named_with_its_last_lines_and_started_again(local: Platform) -> None:
    heard = Heard()
    code = "print('the last words', flush=True); " + FOREVER
    async with started(local, [tiny("frail", code)], heard) as supervisor:
        first = pid_of(supervisor, "frail")
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: heard.deaths)
        await eventually(lambda: supervisor.statuses[0].state is State.READY)
        assert pid_of(supervisor, "frail") != first
        assert supervisor.statuses[0].restarts == 1
    assert str(heard.deaths[0]).startswith("frail died (killed by SIGKILL), restarting in 0.05 s")
    assert "the last words" in str(heard.deaths[0])


async def test_the_back_off_doubles_up_to_its_limit(local: Platform) -> None:
    heard = Heard()
    dies = (
        "import pathlib; p = pathlib.Path('{name}.ready'); p.touch(); import time; time.sleep(0.1); raise SystemExit(3)"
    )
    async with started(local, [tiny("frail", dies)], heard):
        await eventually(lambda: len(heard.deaths) >= 4)
    assert [death.back_off_s for death in heard.deaths[:4]] == [0.05, 0.1, 0.2, 0.2]
    assert heard.deaths[0].how == "exit code 3"


async def test_a_failed_one_shot_fails_the_start_with_its_last_lines(local: Platform) -> None:
    rows = [tiny("engine"), tiny("migrate", "raise SystemExit('no such column')", needs=("engine",), one_shot=True)]
    heard = Heard()
    with pytest.raises(StartFailed, match=r"migrate failed \(exit code 1\)(.|\n)*no such column"):
        async with started(local, rows, heard):
            pass
    assert heard.states[-1] == ("engine", "stopped")
    assert leftovers.find(local.data) == []


async def test_a_process_that_never_becomes_ready_fails_the_start(local: Platform) -> None:
    with pytest.raises(StartFailed, match=r"broken died 3 times without becoming ready \(exit code 1\)(.|\n)*nonsense"):
        async with started(local, [tiny("broken", "raise SystemExit('nonsense')")], Heard()):
            pass


async def test_a_process_that_stays_silent_fails_the_start_with_what_its_probe_says(local: Platform) -> None:
    impatient = replace(QUICK, ready_within_s=0.2)
    with pytest.raises(StartFailed, match=r"silent is not ready after 0\.2 s: no file yet"):
        async with started(local, [tiny("silent", "import signal; signal.pause()")], Heard(), impatient):
            pass
    assert leftovers.find(local.data) == []


async def test_data_is_prepared_before_every_start_and_a_refusal_fails_it(local: Platform) -> None:
    def refuse(platform: Platform) -> None:
        raise EngineUnusable(f"{platform.data.postgres} was made by another version")

    with pytest.raises(EngineUnusable, match="was made by another version"):
        async with started(local, [replace(tiny("postgres"), prepare=refuse)], Heard()):
            pass


async def test_a_program_that_does_not_exist_fails_the_start(local: Platform) -> None:
    missing = replace(tiny("missing"), program=("no-such-program",))
    with pytest.raises(Exception, match="no-such-program is not there"):
        async with started(local, [missing], Heard()):
            pass


async def test_a_process_deaf_to_sigterm_is_killed_with_its_children_after_the_grace(local: Platform) -> None:
    parent = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']); "
    impatient = replace(QUICK, grace_s=0.2)
    async with started(local, [tiny("deaf", parent + STUBBORN)], Heard(), impatient) as supervisor:
        family = [psutil.Process(pid_of(supervisor, "deaf"))]
        family += family[0].children()
        assert len(family) == 2
    # A killed process is gone a moment after the kill.
    await eventually(lambda: not any(pids.lives(process) for process in family), message="somebody survived the grace")


async def test_hurry_ends_the_grace_at_once(local: Platform) -> None:
    patient = replace(QUICK, grace_s=100)
    async with asyncio.timeout(20), started(local, [tiny("deaf", STUBBORN)], Heard(), patient) as supervisor:
        supervisor.hurry()


async def test_stopping_in_the_middle_of_a_start_leaves_nothing(local: Platform) -> None:
    supervisor = Supervisor(local, [tiny("a"), tiny("b", "import signal; signal.pause()")], reporter=Heard())
    starting = asyncio.create_task(supervisor.start())
    await eventually(lambda: supervisor.statuses[1].pid)
    starting.cancel()
    await supervisor.stop()
    assert leftovers.find(local.data) == []


async def test_a_restart_on_request_is_no_death(local: Platform) -> None:
    heard = Heard()
    async with started(local, [tiny("web"), tiny("other")], heard) as supervisor:
        first, other = pid_of(supervisor, "web"), pid_of(supervisor, "other")
        await supervisor.restart(["web"])
        await eventually(lambda: supervisor.statuses[0].pid not in {first, None})
        assert pid_of(supervisor, "other") == other
    assert heard.deaths == []


async def test_what_runs_is_written_down_with_its_creation_time(local: Platform) -> None:
    async with started(local, [tiny("web")], Heard()) as supervisor:
        written = record.read(local.data)
        assert written is not None
        assert written.phase is Phase.READY
        assert written.pid == os.getpid()
        (status,) = written.processes
        assert status.created == psutil.Process(pid_of(supervisor, "web")).create_time()
    after = record.read(local.data)
    assert after is not None
    assert after.phase is Phase.STOPPED
    assert after.processes[0].pid is None
