"""PostgreSQL as a child of ours: made once, started over whatever a crash left, under an identity it accepts."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from matapalo.launcher import probes
from matapalo.launcher.engines import postgres
from matapalo.launcher.engines.postgres import Identity
from matapalo.launcher.errors import EngineUnusable
from tests.harness.eventually import eventually
from tests.harness.ports import free_port

pytestmark = pytest.mark.stack


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="matapalo-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def fresh(engines_dir: Path) -> Path:
    """A cluster as `initialise` makes it, to be copied."""
    made = engines_dir / "fresh"
    postgres.initialise(made, who=postgres.identity(made), durable=False)
    return made


@pytest.fixture
def cluster(place: Path, fresh: Path) -> Path:
    """A database cluster of the test's own."""
    return Path(shutil.copytree(fresh, place / "postgres"))


def start(cluster: Path, port: int, who: Identity) -> subprocess.Popen[bytes]:
    postgres.initialise(cluster, who=who)
    with (cluster.parent / "log").open("ab") as log:
        line = postgres.command(port=port, data_dir=cluster, who=who)
        return subprocess.Popen(line, stdout=log, stderr=log, start_new_session=True)


def capabilities(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().partition("CapEff:")[2].split()[0], 16)


@asynccontextmanager
async def server(cluster: Path, who: Identity | None = None) -> AsyncIterator[tuple[subprocess.Popen[bytes], str]]:
    """The server as `up` starts it: initialised, in the foreground, ready; and its address."""
    port = free_port()
    child = start(cluster, port, who or postgres.identity(cluster))
    probe = probes.postgres(port, user=postgres.USER, database=postgres.DATABASE)

    async def ready() -> bool:
        assert child.poll() is None, (cluster.parent / "log").read_text()
        return await probe() is None

    try:
        await eventually(ready, deadline_s=20, message="postgres")
        yield child, f"postgresql://{postgres.USER}@127.0.0.1:{port}/{postgres.DATABASE}"
    finally:
        child.send_signal(signal.SIGINT)
        child.wait(timeout=20)


async def ask(address: str, question: str) -> object:
    connection = await asyncpg.connect(address)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_data_survives_a_restart_and_a_kill_9(cluster: Path) -> None:
    async with server(cluster) as (child, address):
        await ask(address, "CREATE TABLE kept AS SELECT 42 AS answer")
        child.kill()
        child.wait()
    async with server(cluster) as (_, address):
        assert await ask(address, "SELECT answer FROM kept") == 42


async def test_a_stale_pid_file_does_not_stop_the_start(cluster: Path) -> None:
    (cluster / "postmaster.pid").write_text(f"{os.getpid()}\n{cluster}\n1000000000\n5439\n\n127.0.0.1\n0 0\nready\n")
    assert postgres.running_server(cluster) is None
    async with server(cluster) as (_, address):
        assert await ask(address, "SELECT 1") == 1


async def test_a_live_server_is_recognised_by_number_and_start_time(cluster: Path) -> None:
    async with server(cluster) as (child, _):
        assert postgres.running_server(cluster) == psutil.Process(child.pid)
    assert postgres.running_server(cluster) is None


async def test_the_server_listens_on_loopback_tcp_only(cluster: Path) -> None:
    async with server(cluster) as (child, address):
        assert await ask(address, "SHOW unix_socket_directories") == ""
        listening = {c.laddr.ip for c in psutil.Process(child.pid).net_connections() if c.status == psutil.CONN_LISTEN}
        assert listening == {"127.0.0.1"}


def test_the_data_directory_is_private_and_its_parent_untouched(place: Path, cluster: Path) -> None:
    assert stat.S_IMODE(cluster.stat().st_mode) == 0o700
    assert stat.S_IMODE(place.stat().st_mode) == 0o755
    assert sorted(path.name for path in place.iterdir()) == ["postgres"]


def test_an_interrupted_initialisation_starts_again(place: Path) -> None:
    (place / "postgres.unfinished-1").mkdir()
    (place / "postgres.unfinished-1" / "half").touch()
    postgres.initialise(place / "postgres", who=postgres.identity(place / "postgres"))
    assert (place / "postgres" / "PG_VERSION").exists()
    assert [path.name for path in place.iterdir()] == ["postgres"]


def test_data_of_another_version_is_refused_with_the_remedy(cluster: Path) -> None:
    (cluster / "PG_VERSION").write_text("15\n")
    with pytest.raises(EngineUnusable, match=r"made by PostgreSQL 15.*move it away"):
        postgres.initialise(cluster, who=postgres.identity(cluster))


async def test_the_server_runs_with_no_privilege(cluster: Path) -> None:
    async with server(cluster) as (child, _):
        assert capabilities(child.pid) == 0


async def test_as_root_the_data_may_change_between_the_identities(place: Path) -> None:
    """Where this test does not run as root there is one identity, and the claim is about that one."""
    cluster = place / "postgres"
    identities = list(postgres.stand_ins(os.geteuid(), place)) if os.geteuid() == 0 else [postgres.identity(cluster)]
    for who in [*identities, identities[0]]:
        async with server(cluster, who) as (child, address):
            assert await ask(address, "SELECT 1") == 1
            assert psutil.Process(child.pid).uids().real == cluster.stat().st_uid == who.uid


def test_nobody_can_run_the_copied_programs() -> None:
    if os.geteuid() == 0:
        unprivileged = pwd.getpwnam("nobody").pw_uid
        (who,) = [who for who in postgres.stand_ins(0, Path("/tmp")) if who.uid == unprivileged]
        assert postgres.works(who, Path("/tmp"))
