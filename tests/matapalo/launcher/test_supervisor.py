"""The supervisor over real processes: order, restarts, failures of the start, and stopping."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import psutil
import pytest

from matapalo.launcher import leftovers, pids, record
from matapalo.launcher.errors import BadInput, EngineUnusable, NotReady, StartFailed, UnknownName
from matapalo.launcher.platform import Platform
from matapalo.launcher.processes import Layer, Process
from matapalo.launcher.record import Phase, State
from matapalo.launcher.supervisor import Supervisor, Timings
from tests.harness.eventually import eventually
from tests.matapalo.launcher.sample_processes import (
    FOREVER,
    IGNORES_SIGTERM,
    QUICK,
    SILENT,
    RecordingProgress,
    process,
)


@asynccontextmanager
async def started(
    platform: Platform, rows: Sequence[Process], progress: RecordingProgress, timings: Timings = QUICK
) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(platform, rows, progress=progress, timings=timings)
    try:
        await supervisor.start()
        yield supervisor
    finally:
        await supervisor.stop()


def pid_of(supervisor: Supervisor, name: str) -> int:
    (status,) = [status for status in supervisor.statuses if status.name == name]
    assert status.pid is not None
    return status.pid


async def test_a_process_starts_only_when_its_needs_are_ready(local: Platform) -> None:
    progress = RecordingProgress()
    rows = [
        process("upper", needs=("migrate", "lower")),
        process("lower"),
        process("migrate", "print('made')", one_shot=True),
    ]
    async with started(local, rows, progress):
        states = progress.states
    assert states.index(("lower", "ready")) < states.index(("upper", "starting"))
    assert states.index(("migrate", "done")) < states.index(("upper", "starting"))


async def test_processes_that_need_nothing_start_side_by_side(local: Platform) -> None:
    meets = """
        import pathlib, signal, time
        pathlib.Path('{name}.met').touch()
        while len(list(pathlib.Path('.').glob('*.met'))) < 2: time.sleep(0.01)
        pathlib.Path('{name}.ready').touch(); signal.pause()
    """
    async with started(local, [process("left", meets), process("right", meets)], RecordingProgress()) as supervisor:
        assert [status.state for status in supervisor.statuses] == [State.READY, State.READY]


async def test_higher_layers_are_stopped_before_lower_ones(local: Platform) -> None:
    progress = RecordingProgress()
    rows = [process("engine", layer=Layer.ENGINE), process("service"), process("client", layer=Layer.CLIENT)]
    async with started(local, rows, progress):
        pass
    stopped = [name for name, state in progress.states if state == "stopped"]
    assert stopped == ["client", "service", "engine"]


async def test_a_death_is_reported_with_its_last_lines_and_restarted(local: Platform) -> None:
    progress = RecordingProgress()
    code = "print('the last words', flush=True); " + FOREVER
    async with started(local, [process("frail", code)], progress) as supervisor:
        first = pid_of(supervisor, "frail")
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: progress.deaths)
        await eventually(lambda: supervisor.statuses[0].state is State.READY)
        assert pid_of(supervisor, "frail") != first
        assert supervisor.statuses[0].restarts == 1
    assert str(progress.deaths[0]).startswith("frail died (killed by SIGKILL), restarting in 0.05 s")
    assert "the last words" in str(progress.deaths[0])


async def test_the_back_off_doubles_up_to_its_limit(local: Platform) -> None:
    progress = RecordingProgress()
    dies = (
        "import pathlib; p = pathlib.Path('{name}.ready'); p.touch(); import time; time.sleep(0.1); raise SystemExit(3)"
    )
    async with started(local, [process("frail", dies)], progress):
        await eventually(lambda: len(progress.deaths) >= 4)
    assert [death.back_off_s for death in progress.deaths[:4]] == [0.05, 0.1, 0.2, 0.2]
    assert progress.deaths[0].reason == "exit code 3"


async def test_a_failed_one_shot_fails_the_start_with_its_last_lines(local: Platform) -> None:
    rows = [
        process("engine"),
        process("migrate", "raise SystemExit('no such column')", needs=("engine",), one_shot=True),
    ]
    progress = RecordingProgress()
    with pytest.raises(StartFailed, match=r"migrate failed \(exit code 1\)(.|\n)*no such column"):
        async with started(local, rows, progress):
            pass
    assert progress.states[-1] == ("engine", "stopped")
    assert leftovers.find(local.data) == []


async def test_a_process_that_never_becomes_ready_fails_the_start(local: Platform) -> None:
    with pytest.raises(StartFailed, match=r"broken died 3 times without becoming ready \(exit code 1\)(.|\n)*nonsense"):
        async with started(local, [process("broken", "raise SystemExit('nonsense')")], RecordingProgress()):
            pass


async def test_a_failed_start_quotes_the_probe_of_a_silent_process(local: Platform) -> None:
    quick = replace(QUICK, ready_within_s=0.2)
    with pytest.raises(StartFailed, match=r"silent is not ready after 0\.2 s: no file yet"):
        async with started(local, [process("silent", SILENT)], RecordingProgress(), quick):
            pass
    assert leftovers.find(local.data) == []


async def test_data_that_cannot_be_prepared_fails_the_start(local: Platform) -> None:
    def refuse(platform: Platform) -> None:
        raise EngineUnusable(f"{platform.data.postgres} was made by another version")

    with pytest.raises(EngineUnusable, match="was made by another version"):
        async with started(local, [replace(process("postgres"), prepare=refuse)], RecordingProgress()):
            pass


async def test_a_program_that_does_not_exist_fails_the_start(local: Platform) -> None:
    missing = replace(process("missing"), program=("no-such-program",))
    with pytest.raises(Exception, match="no program 'no-such-program'"):
        async with started(local, [missing], RecordingProgress()):
            pass


async def test_a_process_that_ignores_sigterm_is_killed_with_children(local: Platform) -> None:
    parent = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']); "
    quick = replace(QUICK, grace_s=0.2)
    async with started(local, [process("busy", parent + IGNORES_SIGTERM)], RecordingProgress(), quick) as supervisor:
        family = [psutil.Process(pid_of(supervisor, "busy"))]
        family += family[0].children()
        assert len(family) == 2
    # A killed process is gone a moment after the kill.
    await eventually(lambda: not any(pids.lives(process) for process in family), message="all of them end")


async def test_a_second_signal_ends_the_grace_at_once(local: Platform) -> None:
    slow = replace(QUICK, grace_s=100)
    async with (
        asyncio.timeout(20),
        started(local, [process("busy", IGNORES_SIGTERM)], RecordingProgress(), slow) as supervisor,
    ):
        supervisor.end_grace()


async def test_stopping_in_the_middle_of_a_start_leaves_nothing(local: Platform) -> None:
    supervisor = Supervisor(local, [process("a"), process("b", SILENT)], progress=RecordingProgress())
    starting = asyncio.create_task(supervisor.start())
    await eventually(lambda: supervisor.statuses[1].pid)
    starting.cancel()
    await supervisor.stop()
    assert leftovers.find(local.data) == []


async def test_a_restart_returns_when_the_process_is_ready_again(local: Platform) -> None:
    progress = RecordingProgress()
    async with started(local, [process("web"), process("other")], progress) as supervisor:
        first, other = pid_of(supervisor, "web"), pid_of(supervisor, "other")
        await supervisor.restart(["web", "web"])
        assert supervisor.statuses[0].state is State.READY
        assert supervisor.statuses[0].restarts == 1
        assert pid_of(supervisor, "web") != first
        assert pid_of(supervisor, "other") == other
    assert progress.deaths == []


async def test_a_restart_that_fails_says_what_the_process_wrote(local: Platform) -> None:
    breaks = "import pathlib; pathlib.Path('broken').exists() and exit('no such module'); " + FOREVER
    async with started(local, [process("web", breaks)], RecordingProgress()) as supervisor:
        (local.data.root / "web.ready").unlink()
        (local.data.root / "broken").touch()
        with pytest.raises(NotReady, match=r"web did not become ready: it is restarting(.|\n)*no such module"):
            await supervisor.restart(["web"])
        (local.data.root / "broken").unlink()
        await supervisor.restart(["web"])
        assert supervisor.statuses[0].state is State.READY


async def test_a_restart_ends_at_its_timeout_with_the_probe(local: Platform) -> None:
    silent = "import pathlib, signal; p = pathlib.Path('{name}.ready'); p.with_suffix('.met').exists() or p.touch(); "
    rows = [process("web", silent + "p.with_suffix('.met').touch(); signal.pause()")]
    async with started(local, rows, RecordingProgress(), replace(QUICK, ready_within_s=1)) as supervisor:
        (local.data.root / "web.ready").unlink()
        with pytest.raises(NotReady, match="web is not ready after 1 s: no file yet"):
            await supervisor.restart(["web"])


async def test_a_restart_refuses_before_it_touches_any(local: Platform) -> None:
    rows = [process("web"), process("migrate", "print('made')", one_shot=True)]
    async with started(local, rows, RecordingProgress()) as supervisor:
        first = pid_of(supervisor, "web")
        with pytest.raises(UnknownName, match="there is no process 'wbe': choose one of web, migrate"):
            await supervisor.restart(["web", "wbe"])
        with pytest.raises(BadInput, match="migrate runs once, when the platform starts"):
            await supervisor.restart(["web", "migrate"])
        assert pid_of(supervisor, "web") == first


async def test_the_record_has_pids_with_their_creation_times(local: Platform) -> None:
    async with started(local, [process("web")], RecordingProgress()) as supervisor:
        running = record.read(local.data.record)
        assert running is not None
        assert running.phase is Phase.READY
        assert running.pid == os.getpid()
        (status,) = running.processes
        assert status.created == psutil.Process(pid_of(supervisor, "web")).create_time()
    stopped = record.read(local.data.record)
    assert stopped is not None
    assert stopped.phase is Phase.STOPPED
    assert stopped.processes[0].pid is None
