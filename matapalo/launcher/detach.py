"""`up --detach` and `down`: a launcher without a terminal, started and stopped from another process.

The detached launcher is the ordinary `up` in a session of its own, writing to `logs/launcher.log`. Raises StartFailed,
CommandError.
"""

import subprocess
import sys
import time
from collections.abc import Callable

from matapalo.launcher import leftovers, logs, record
from matapalo.launcher.errors import CommandError, StartFailed
from matapalo.launcher.platform import Platform
from matapalo.launcher.progress import Progress
from matapalo.launcher.record import Phase

POLL_S = 0.1
STOPPED_WITHIN_S = 60.0


def start(platform: Platform, *, watch_sources: bool, display: Progress) -> None:
    """Start the launcher and return when everything is ready; what it says meanwhile is passed on."""
    platform.data.create()
    log = platform.data.log("launcher")
    logs.rotate(log)
    line = [sys.executable, "-m", "matapalo", "up", "--data-dir", str(platform.data.root)]
    line += ["--port-offset", str(platform.offset), *(["--reload"] if watch_sources else [])]
    position = logs.size(log)
    with log.open("ab") as output:
        launcher = subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        while launcher.poll() is None and not _is_ready(platform, launcher.pid):
            time.sleep(POLL_S)
            position = _pass_on(platform, position, display.say)
    except KeyboardInterrupt:
        launcher.terminate()
        launcher.wait()
        raise
    time.sleep(POLL_S)  # the addresses are printed just after the state is written
    _pass_on(platform, position, display.say)
    if launcher.poll() is not None:
        raise StartFailed(f"the platform did not start; everything it said is in {log}")
    display.say("running in the background until `matapalo down`")
    launcher.returncode = 0  # it is meant to outlive us: no warning about a child that still runs


def stop(platform: Platform, *, display: Progress) -> None:
    """End the running launcher and wait for its last process; without one, clean up after a killed one."""
    if not platform.data.run.exists():
        display.say(f"nothing runs in {platform.data.root}")
        return
    holder = platform.data.holder()
    if holder is not None:
        holder.terminate()
        deadline = time.monotonic() + STOPPED_WITHIN_S
        while platform.data.holder() is not None:
            if time.monotonic() > deadline:
                raise CommandError(f"the launcher (pid {holder.pid}) has not stopped after {STOPPED_WITHIN_S:g} s")
            time.sleep(POLL_S)
        display.say("stopped")
        return
    with platform.data.locked():
        if leftovers.clean_up(platform, display) == 0:
            display.say(f"nothing runs in {platform.data.root}")
        platform.data.remove_sockets()


def _is_ready(platform: Platform, pid: int) -> bool:
    now = record.read(platform.data.record)
    return now is not None and now.pid == pid and now.phase is Phase.READY


def _pass_on(platform: Platform, position: int, say: Callable[[str], None]) -> int:
    written = platform.data.log("launcher").read_bytes()[position:]
    complete, _, rest = written.rpartition(b"\n")
    if complete:
        say(complete.decode(errors="replace"))
    return position + len(written) - len(rest)
