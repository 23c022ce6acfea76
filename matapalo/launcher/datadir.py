"""The data directory of a platform: where everything that survives a restart lives, and the lock that guards it.

    keys/      development key, its public half, the BFF's secrets   run/      lock, processes.json
    logs/      NAME.log, and NAME.log.1 from before                   outbox/   development mail
    valkey/ postgres/ temporal.db  data of the engines                envoy/    the files the agent writes

Raises BadInput (a folder that is not ours), AlreadyRunning (the lock is held).
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

SOCKET_PATH_LIMIT = 100  # sockaddr_un holds 104 bytes on macOS, 108 on Linux


@dataclass(frozen=True)
class DataDir:
    """Names the places below one absolute root; ``create`` makes the folders."""

    root: Path

    @classmethod
    def at(cls, path: Path) -> "DataDir":
        """The data directory at ``path``, made absolute."""
        return cls(path.absolute())

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def outbox(self) -> Path:
        return self.root / "outbox"

    @property
    def valkey(self) -> Path:
        return self.root / "valkey"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def temporal(self) -> Path:
        return self.root / "temporal.db"

    @property
    def envoy(self) -> Path:
        return self.root / "envoy"

    @property
    def record(self) -> Path:
        return self.run / "processes.json"

    @property
    def sockets(self) -> Path:
        """A short folder for UNIX sockets: their whole path may have 100 characters, the data directory any number."""
        name = f"matapalo-{os.geteuid()}-{hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]}"
        folder = Path(tempfile.gettempdir()) / name
        return folder if len(str(folder)) < SOCKET_PATH_LIMIT - 20 else Path("/tmp") / name  # noqa: S108 - private below

    def log(self, name: str) -> Path:
        """The log file of a process."""
        return self.logs / f"{name}.log"

    def create(self) -> None:
        """Makes the folders, once; refuses a socket folder that somebody else put there."""
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
                    f"{private} belongs to somebody else (user {owner}, this is {os.geteuid()}): "
                    "run as the user who made it, or use another --data-dir"
                )
            private.chmod(0o700)

    def remove_sockets(self) -> None:
        """Leaves nothing in the temp directory; the next ``create`` makes the folder again."""
        shutil.rmtree(self.sockets, ignore_errors=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the directory for this process; the operating system lets go of it however the process ends."""
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
