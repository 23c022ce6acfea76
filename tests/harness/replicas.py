"""More processes of a running platform's BFF, over a Redis of their own: to be killed, paused and robbed of it."""

import signal
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.limited import tiers
from matapalo.launcher import environment
from matapalo.launcher.engines import valkey
from matapalo.launcher.platform import DataDir
from matapalo.launcher.platform import Platform as Launched
from tests.harness.engines import running
from tests.harness.eventually import eventually_sync
from tests.harness.platform import Platform
from tests.harness.ports import free_port
from tests.harness.shop import SHOP


class Process:
    """A child of a guard: signals reach the program itself."""

    def __init__(self, guard_pid: int) -> None:
        (self._program,) = psutil.Process(guard_pid).children()

    def kill(self) -> None:
        """`kill -9` the program, not its guard."""
        self._program.kill()

    def pause(self) -> None:
        """`kill -STOP`: it neither runs nor dies."""
        self._program.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """`kill -CONT` after a pause."""
        self._program.send_signal(signal.SIGCONT)


class Replica(Process):
    """One `matapalo serve web`."""

    def __init__(self, guard_pid: int, origin: str) -> None:
        self._guard_pid = guard_pid
        self._origin = origin
        self.url = f"{origin}/graphql"

    def wait_until_ready(self) -> None:
        """Return when it responds."""
        eventually_sync(lambda: _is_ready(self._origin), deadline_s=60, message="a replica of the BFF starts")
        super().__init__(self._guard_pid)


class OwnRedis(Process):
    """A Valkey for one test module alone."""

    def __init__(self, guard_pid: int, url: str) -> None:
        super().__init__(guard_pid)
        self.url = url


@contextmanager
def own_redis(folder: Path) -> Iterator[OwnRedis]:
    """A Valkey of its own, started."""
    port, data = free_port(), folder / f"valkey-{uuid.uuid4().hex[:8]}"
    data.mkdir()
    with running(valkey.command(port=port, data_dir=data), log=folder / "valkey.log") as guard:
        eventually_sync(lambda: psutil.Process(guard.pid).children(), message="Valkey starts")
        yield OwnRedis(guard.pid, f"redis://127.0.0.1:{port}/0")


@contextmanager
def replica(platform: Platform, redis_url: str, folder: Path, **settings: Any) -> Iterator[Replica]:
    """A starting `matapalo serve web` with limits out of reach. ``settings`` are variables without their prefix."""
    port = free_port()
    plenty = folder / "tiers.toml"
    tiers.write(plenty)
    launched = Launched(DataDir(platform.data_dir), platform.offset)
    variables = environment.of_our_process(launched, SHOP) | {
        "BFF_PORT": str(port),
        "BFF_REDIS_URL": redis_url,
        "BFF_TIERS_FILE": str(plenty),
        **{f"BFF_{name.upper()}": str(value) for name, value in settings.items()},
    }
    line = ["/usr/bin/env", *(f"{name}={value}" for name, value in variables.items())]
    program = str(Path(sys.executable).with_name("matapalo"))
    with running([*line, program, "serve", "web"], log=folder / "replica.log") as guard:
        yield Replica(guard.pid, f"http://127.0.0.1:{port}")


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=2, trust_env=False).is_success
    except httpx.TransportError:
        return False
