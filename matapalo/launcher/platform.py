"""One platform: a data directory and a port offset. Everything else about it follows from these two.

The data directory is where everything that survives a restart lives, behind a lock:

    keys/      development key, its public half, the BFF's secrets   run/      lock, processes.json
    logs/      NAME.log, and NAME.log.1 from before                   outbox/   development mail
    valkey/ postgres/ temporal.db  data of the engines                envoy/    the files the agent writes

Raises BadInput (a folder of another user, an offset that is not 0, 100, … 900), AlreadyRunning (the lock is held).
"""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from matapalo.launcher import pids
from matapalo.launcher.errors import AlreadyRunning, BadInput

HOST = "127.0.0.1"
EDGE_PORT = 8080
OFFSETS = range(0, 1000, 100)  # those that never make two of our own ports meet
SOCKET_PATH_LIMIT = 100  # sockaddr_un holds 104 bytes on macOS, 108 on Linux


class DataDir:
    """The places below one root, which is made absolute; ``create`` makes the folders."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.keys = self.root / "keys"
        self.logs = self.root / "logs"
        self.run = self.root / "run"
        self.outbox = self.root / "outbox"
        self.valkey = self.root / "valkey"
        self.postgres = self.root / "postgres"
        self.temporal = self.root / "temporal.db"
        self.envoy = self.root / "envoy"
        self.record = self.run / "processes.json"

    @property
    def sockets(self) -> Path:
        """A short folder for UNIX sockets: their whole path may have 100 characters, the data directory any number."""
        name = f"matapalo-{os.geteuid()}-{hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]}"
        folder = Path(tempfile.gettempdir()) / name
        return folder if len(str(folder)) < SOCKET_PATH_LIMIT - 20 else Path("/tmp") / name  # noqa: S108 - private below

    @property
    def control(self) -> Path:
        """The socket over which a running launcher takes commands."""
        return self.sockets / "launcher.sock"

    def log(self, name: str) -> Path:
        """The log file of a process."""
        return self.logs / f"{name}.log"

    def create(self) -> None:
        """Make the folders that are missing; refuse a private one of another user."""
        try:
            for folder in (self.root, self.logs, self.run, self.outbox, self.valkey, self.envoy):
                folder.mkdir(parents=True, exist_ok=True)
            for private in (self.keys, self.sockets):
                private.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise BadInput(f"the data directory {self.root} cannot be made: {error}") from error
        for private in (self.keys, self.sockets):
            owner = private.lstat().st_uid
            if private.is_symlink() or owner != os.geteuid():
                raise BadInput(
                    f"{private} belongs to another user ({owner}, this is {os.geteuid()}): "
                    "run as the user who made it, or use another --data-dir"
                )
            private.chmod(0o700)

    def remove_sockets(self) -> None:
        """Leave nothing in the temp directory; the next ``create`` makes the folder again."""
        shutil.rmtree(self.sockets, ignore_errors=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory for this process; the operating system lets go of it however the process ends."""
        with (self.run / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise AlreadyRunning(self._held_by(self.holder())) from None
            file.truncate(0)
            file.write(json.dumps({"pid": os.getpid(), "created": psutil.Process().create_time()}))
            file.flush()
            yield

    def holder(self) -> psutil.Process | None:
        """The launcher that holds the directory now, if any."""
        try:
            with (self.run / "lock").open("r") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except OSError:
                    return pids.alive(**json.load(file))
        except (OSError, ValueError, TypeError):
            return None
        return None

    def _held_by(self, holder: psutil.Process | None) -> str:
        who = f"pid {holder.pid}: {' '.join(holder.cmdline())}" if holder else "a start that has just begun"
        return f"{self.root} is held by another `matapalo up` ({who}): stop it with `matapalo down`, or use --data-dir"


@dataclass(frozen=True)
class Platform:
    """Where it keeps its data and by how much its ports are shifted."""

    data: DataDir
    offset: int = 0

    def __post_init__(self) -> None:
        if self.offset not in OFFSETS:
            raise BadInput(f"--port-offset {self.offset}: give a multiple of 100 from 100 to 900 (0 is the default)")

    def port(self, documented: int) -> int:
        """The port this platform uses for one of the documented ports."""
        return documented + self.offset

    def address(self, documented: int) -> str:
        return f"{HOST}:{self.port(documented)}"

    def url(self, documented: int, path: str = "") -> str:
        return f"http://{self.address(documented)}{path}"
