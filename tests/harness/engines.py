"""The real engines as fixtures, one of each per testing process: free ports, temporary folders, stopped at its end.

Tests that use one carry `@pytest.mark.stack`. A test that needs an engine of its own (to stop it, say) calls
``running`` with a command line of ``matapalo.launcher.engines``.
"""

import asyncio
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
from temporalio.client import Client
from temporalio.service import RPCError

from matapalo.launcher.engines import postgres, temporal, valkey
from tests.harness.eventually import eventually, eventually_sync
from tests.harness.ports import free_port
from tests.harness.shop import SHOP

ATTRIBUTES = SHOP.worker.search_attributes if SHOP.worker else {}
GUARD = Path(__file__).with_name("guard.py")
START_DEADLINE_S = 30.0
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@contextmanager
def running(command: Sequence[str], *, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command as a child that cannot outlive this process; its output goes to ``log``."""
    line = [sys.executable, "-I", "-S", str(GUARD), *command]
    with log.open("ab") as output:
        child = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True)
    try:
        yield child
    finally:
        assert child.stdin is not None
        child.stdin.close()
        child.wait(timeout=20)


@pytest.fixture(scope="session")
def engines_dir() -> Iterator[Path]:
    """A folder for data and logs of the engines (not pytest's: PostgreSQL's user must be able to enter it)."""
    folder = Path(tempfile.mkdtemp(prefix="matapalo-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def valkey_url(engines_dir: Path) -> Iterator[str]:
    """The URL of a Valkey, `redis://127.0.0.1:PORT/0`."""
    port, log, data = free_port(), engines_dir / "valkey.log", engines_dir / "valkey"
    data.mkdir()
    with running(valkey.command(port=port, data_dir=data), log=log) as child:
        _wait(child, log, lambda: responds_to_ping(port))
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture(scope="session")
def database_url(engines_dir: Path) -> Iterator[str]:
    """`postgresql+asyncpg://…` of a database that is empty when the test run starts."""
    port, log, data = free_port(), engines_dir / "postgres.log", engines_dir / "postgres"
    who = postgres.identity(data)
    postgres.initialise(data, who=who, durable=False)
    with running(postgres.command(port=port, data_dir=data, who=who, settings=NOT_DURABLE), log=log) as child:
        address = f"{postgres.USER}@127.0.0.1:{port}/{postgres.DATABASE}"
        _wait(child, log, lambda: asyncio.run(_responds_to_select(f"postgresql://{address}")))
        yield f"postgresql+asyncpg://{address}"


@pytest.fixture(scope="session")
def temporal_address(engines_dir: Path) -> Iterator[str]:
    """`127.0.0.1:PORT` of a server with the launcher's settings, without its web UI."""
    port, log = free_port(), engines_dir / "temporal.log"
    line = temporal.command(
        port=port, ui_port=None, database=engines_dir / "temporal.db", search_attributes=ATTRIBUTES, durable=False
    )
    with running(line, log=log) as child:
        address = f"127.0.0.1:{port}"
        _wait(child, log, lambda: _accepts(port))
        asyncio.run(_until_temporal_responds(address))
        yield address


def _wait(child: subprocess.Popen[bytes], log: Path, ready: Callable[[], bool]) -> None:
    def check() -> bool:
        assert child.poll() is None, f"{log.stem} stopped while starting:\n{log.read_text()[-2000:]}"
        return ready()

    eventually_sync(check, deadline_s=START_DEADLINE_S, message=f"{log.stem} starts")


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def responds_to_ping(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16) == b"+PONG\r\n"
    except OSError:
        return False


async def _responds_to_select(dsn: str) -> bool:
    try:
        connection = await asyncpg.connect(dsn, timeout=2)
    except (OSError, asyncpg.PostgresError):
        return False
    try:
        return bool(await connection.fetchval("SELECT 1") == 1)
    finally:
        await connection.close()


async def _until_temporal_responds(address: str) -> None:
    async def counts() -> bool:
        try:
            client = await Client.connect(address)
            await client.count_workflows("OrderStatus = 'none'")
        except (RPCError, RuntimeError):
            return False
        return True

    await eventually(counts, deadline_s=START_DEADLINE_S, message="temporal knows the search attributes")
