"""Starts the processes as soon as what they need is ready, keeps them running, and stops them in order.

One task looks after each process: start, probe until ready, wait for its end, start again after a back-off.
Each child leads a session of its own, so the terminal's Ctrl-C reaches only the launcher. A process that was never
ready and dies too often, or a one-shot that fails, fails the whole start. What happens is reported to a ``Progress``;
the state of every process is written to the data directory at every change (``record``).

Raises StartFailed. Times are seconds.
"""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psutil
from msgspec import structs

from matapalo.launcher import logs, pids, record
from matapalo.launcher.errors import BadInput, CommandError, NotReady, StartFailed, UnknownName
from matapalo.launcher.platform import Platform
from matapalo.launcher.processes import Process
from matapalo.launcher.progress import Death, Progress
from matapalo.launcher.record import Phase, Record, State, Status

LAST_LINES = 12
LONGEST_LINE = 300


@dataclass(frozen=True)
class Timings:
    """How long the supervisor waits for a process, and how soon it tries again."""

    probe_every_s: float = 0.1
    ready_within_s: float = 90.0
    grace_s: float = 10.0
    first_back_off_s: float = 0.5
    longest_back_off_s: float = 30.0
    steady_after_s: float = 60.0  # a life this long starts the back-off from the beginning
    deaths_before_ready: int = 3


@dataclass
class Child:
    """One row of the process table while the platform runs."""

    row: Process
    status: Status
    ready: asyncio.Event = field(default_factory=asyncio.Event)  # was ready once: what needs it may start
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    wake: asyncio.Event = field(default_factory=asyncio.Event)  # ends a back-off at once
    process: asyncio.subprocess.Process | None = None
    deaths: int = 0  # in a row
    log_start: int = 0
    is_told_to_end: bool = False  # by us: not a death


class Supervisor:
    """Use: ``await start()``; ``await until_something_breaks()`` beside a stop signal; finally ``await stop()``."""

    def __init__(
        self, platform: Platform, rows: Sequence[Process], *, progress: Progress, timings: Timings | None = None
    ) -> None:
        self._platform = platform
        self._progress = progress
        self._timings = timings or Timings()
        self._phase = Phase.STARTING
        self._children = {row.name: Child(row, _initial_status(row)) for row in rows}
        self._tasks: list[asyncio.Task[None]] = []
        self._grace_ended = asyncio.Event()

    @property
    def statuses(self) -> list[Status]:
        """All processes, in the order of the table."""
        return [child.status for child in self._children.values()]

    async def start(self) -> None:
        """Return when everything is ready; the caller stops what runs when this raises or is cancelled."""
        self._write()
        self._tasks = [asyncio.create_task(self._supervise(child), name=name) for name, child in self._children.items()]
        all_ready = asyncio.create_task(self._all_ready())
        try:
            await asyncio.wait([all_ready, self._first_failure()], return_when=asyncio.FIRST_COMPLETED)
            self._raise_a_failure()
        finally:
            all_ready.cancel()
        self._phase = Phase.READY
        self._write()

    async def until_something_breaks(self) -> None:
        """Run for ever, unless a task of the supervisor itself fails."""
        await self._first_failure()
        self._raise_a_failure()

    async def restart(self, names: Sequence[str]) -> None:
        """End these processes, start them with their present sources, and return when they are ready again.

        One in a back-off starts at once. Raises UnknownName and BadInput before it touches any, and NotReady with the
        last log lines of those that do not come back.
        """
        children = [self._restartable(name) for name in dict.fromkeys(names)]
        problems = await asyncio.gather(*(self._restart(child) for child in children))
        if any(problems):
            raise NotReady("\n".join(problem for problem in problems if problem))

    def end_grace(self) -> None:
        """Kill what does not end at once."""
        self._grace_ended.set()

    async def stop(self) -> None:
        """End everything, the highest layer first; return when no child is left."""
        self._phase = Phase.STOPPING
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for layer in sorted({child.row.layer for child in self._children.values()}, reverse=True):
            await asyncio.gather(*(self._stop_child(c) for c in self._children.values() if c.row.layer == layer))
        self._phase = Phase.STOPPED
        self._write()

    # --- one process -------------------------------------------------------------------------------------------------

    async def _supervise(self, child: Child) -> None:
        for need in child.row.needs:
            await self._children[need].ready.wait()
        while True:
            process = await self._launch(child)
            probing = asyncio.create_task(self._probe_until_ready(child))
            ended = asyncio.create_task(process.wait())
            try:
                await asyncio.wait([ended, probing], return_when=asyncio.FIRST_COMPLETED)
                if probing.done() and not ended.done():
                    await probing  # raises when the deadline has passed
                code = await ended
            finally:
                probing.cancel()
            if child.row.one_shot:
                return self._finish(child, code)
            if not child.is_told_to_end:
                await self._back_off(child, code)
            child.status = structs.replace(child.status, restarts=child.status.restarts + 1)

    async def _launch(self, child: Child) -> asyncio.subprocess.Process:
        row = child.row
        log = self._platform.data.log(row.name)
        self._change(child, State.STARTING, pid=None, created=None)
        if row.prepare is not None:
            await asyncio.to_thread(row.prepare, self._platform)
        command = await asyncio.to_thread(row.command, self._platform)
        child.log_start = logs.size(log)
        child.is_told_to_end = False
        child.wake.clear()
        with log.open("ab") as output:
            child.process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=row.environment(self._platform),
                cwd=self._platform.data.root,
                start_new_session=True,
            )
        self._change(child, State.STARTING, pid=child.process.pid, created=_created(child.process.pid))
        return child.process

    async def _probe_until_ready(self, child: Child) -> None:
        if child.row.ready is None:
            return
        probe = child.row.ready(self._platform)
        deadline = asyncio.get_running_loop().time() + self._timings.ready_within_s
        while (missing := await probe()) is not None:
            if missing != child.status.reason:
                self._change(child, State.STARTING, reason=missing)
            if asyncio.get_running_loop().time() > deadline and not child.ready.is_set():
                raise StartFailed(
                    self._sentence(child, f"is not ready after {self._timings.ready_within_s:g} s: {missing}")
                )
            await asyncio.sleep(self._timings.probe_every_s)
        self._change(child, State.READY)
        child.ready.set()

    def _finish(self, child: Child, code: int) -> None:
        if code != 0:
            raise StartFailed(self._sentence(child, f"failed ({_how(code)})"))
        self._change(child, State.DONE, pid=None, created=None)
        child.ready.set()

    def _restartable(self, name: str) -> Child:
        child = self._children.get(name)
        if child is None:
            raise UnknownName(f"there is no process {name!r}: choose one of {', '.join(self._children)}")
        if child.row.one_shot:
            raise BadInput(f"{name} runs once, when the platform starts: `matapalo down`, then `matapalo up`")
        return child

    async def _restart(self, child: Child) -> str:
        """Why it is not ready again, or nothing."""
        runs = child.process is not None and child.process.returncode is None
        starts = child.status.restarts + (runs or child.status.state is State.BACKING_OFF)
        child.wake.set()
        if child.process is not None and runs:
            child.is_told_to_end = True
            await self._end(child, child.process)
        try:
            async with asyncio.timeout(self._timings.ready_within_s):
                while self._phase is not Phase.STOPPING and (
                    child.status.restarts < starts or child.status.state in {State.WAITING, State.STARTING}
                ):
                    child.changed.clear()
                    await child.changed.wait()
        except TimeoutError:
            reason = f"{self._timings.ready_within_s:g} s: {child.status.reason}"
            return self._sentence(child, f"is not ready after {reason}")
        if child.status.state is State.READY:
            return ""
        return self._sentence(child, f"did not become ready: it is {child.status.state} ({child.status.reason})")

    async def _back_off(self, child: Child, code: int) -> None:
        lived_s = _now() - child.status.since if child.status.state is State.READY else 0.0
        child.deaths = 1 if lived_s > self._timings.steady_after_s else child.deaths + 1
        if not child.ready.is_set() and child.deaths >= self._timings.deaths_before_ready:
            raise StartFailed(self._sentence(child, f"died {child.deaths} times without becoming ready ({_how(code)})"))
        seconds = min(self._timings.first_back_off_s * 2 ** (child.deaths - 1), self._timings.longest_back_off_s)
        self._progress.died(Death(child.row.name, _how(code), self._last_lines(child), seconds))
        self._change(child, State.BACKING_OFF, pid=None, created=None, reason=_how(code))
        try:
            await asyncio.wait_for(child.wake.wait(), seconds)
        except TimeoutError:
            return

    async def _stop_child(self, child: Child) -> None:
        if child.process is not None and child.process.returncode is None:
            self._change(child, State.STOPPING)
            await self._end(child, child.process)
        self._change(child, State.STOPPED, pid=None, created=None)

    async def _end(self, child: Child, process: asyncio.subprocess.Process) -> None:
        """Terminate the process, then kill its whole family; wait until it has ended."""
        family: list[psutil.Process] = []
        with suppress(psutil.Error):
            family = pids.family(psutil.Process(process.pid))
        with suppress(ProcessLookupError):
            process.send_signal(child.row.stop_signal)
        ended = asyncio.create_task(process.wait())
        grace_ended = asyncio.create_task(self._grace_ended.wait())
        await asyncio.wait([ended, grace_ended], timeout=self._timings.grace_s, return_when=asyncio.FIRST_COMPLETED)
        grace_ended.cancel()
        if not ended.done():
            with suppress(ProcessLookupError):  # not reaped yet: the number cannot mean another group
                os.killpg(process.pid, signal.SIGKILL)
        await ended
        pids.kill_all(family)

    # --- all of them -------------------------------------------------------------------------------------------------

    async def _all_ready(self) -> None:
        for child in self._children.values():
            await child.ready.wait()

    def _first_failure(self) -> "asyncio.Future[None]":
        failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def check(task: "asyncio.Task[None]") -> None:
            if not task.cancelled() and task.exception() is not None and not failed.done():
                failed.set_result(None)

        for task in self._tasks:
            task.add_done_callback(check)
        return failed

    def _raise_a_failure(self) -> None:
        for task in self._tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise (
                    error if isinstance(error, CommandError) else StartFailed(f"{task.get_name()}: {error!r}")
                ) from error

    def _sentence(self, child: Child, what: str) -> str:
        lines = self._last_lines(child)
        tail = "".join(f"\n    {line}" for line in lines) or " (it wrote nothing)"
        return f"{child.row.name} {what}; last lines of {self._platform.data.log(child.row.name)}:{tail}"

    def _last_lines(self, child: Child) -> list[str]:
        log = self._platform.data.log(child.row.name)
        lines = logs.last_lines(log, LAST_LINES, since=child.log_start)
        return [line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…" for line in lines]

    def _change(self, child: Child, state: State, **changes: object) -> None:
        since = child.status.since if state is child.status.state else _now()
        child.status = structs.replace(child.status, state=state, since=since, **{"reason": "", **changes})
        self._write()
        child.changed.set()
        self._progress.changed(child.status)

    def _write(self) -> None:
        own = psutil.Process()
        record.write(
            self._platform.data.record,
            Record(
                pid=own.pid,
                created=own.create_time(),
                offset=self._platform.offset,
                phase=self._phase,
                processes=self.statuses,
            ),
        )


def _initial_status(row: Process) -> Status:
    return Status(name=row.name, state=State.WAITING, since=_now(), layer=row.layer, stop_signal=row.stop_signal)


def _now() -> float:
    return datetime.now(UTC).timestamp()


def _how(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _created(pid: int) -> float | None:
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:  # it has ended already
        return None
