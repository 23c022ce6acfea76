"""`python -m subgraphs`, as a process."""

import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from textwrap import dedent

import httpx
import pytest

from subgraphs.kit.settings import SERVICES
from tests.harness.eventually import eventually_sync
from tests.harness.ports import free_port


def subgraphs(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "subgraphs", *arguments],
        env={"MATAPALO_ENV": "production", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcome(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = process.communicate(timeout=30)
    return process.returncode, said


@pytest.mark.parametrize("arguments", [(), ("order",), ("orders", "payments")])
def test_a_name_nobody_knows_is_answered_with_the_names(arguments: tuple[str, ...]) -> None:
    code, said = outcome(subgraphs(*arguments))
    assert code == 2
    assert len(said.splitlines()) == 1
    assert "legacy, customers, orders" in said
    assert "migrate" in said


@pytest.mark.stack
def test_a_service_on_its_own_serves_until_it_is_told_to_stop(seeded_database_url: str) -> None:
    port = free_port()
    process = subgraphs("orders", SUBGRAPHS_DATABASE_URL=seeded_database_url, SUBGRAPHS_PORT=str(port))
    try:
        eventually_sync(lambda: ready(port), deadline_s=20, message="the service is ready")
        assert httpx.put(f"http://127.0.0.1:{port}/__fault", json={}).status_code == 404  # production
    finally:
        process.send_signal(signal.SIGTERM)
        code, said = outcome(process)
    assert (code, said) == (0, "")


@pytest.mark.stack
def test_all_services_share_a_process_and_stop_together(seeded_database_url: str) -> None:
    base = first_of_free_ports(len(SERVICES))
    process = subgraphs("all", SUBGRAPHS_DATABASE_URL=seeded_database_url, SUBGRAPHS_PORT_BASE=str(base))
    try:
        for offset, name in enumerate(SERVICES):
            eventually_sync(partial(ready, base + offset), deadline_s=20, message=f"{name} is ready")
            health = httpx.get(f"http://127.0.0.1:{base + offset}/healthz", trust_env=False)
            assert health.json() == {"status": "ok", "service": name}
    finally:
        process.send_signal(signal.SIGINT)
        code, said = outcome(process)
    assert (code, said) == (0, "")


def test_production_does_not_even_load_the_fault_module() -> None:
    program = """
        import sys
        from importlib import import_module
        from subgraphs.kit.database import Database
        from subgraphs.kit.settings import SERVICES, Settings
        settings = Settings()
        for name in SERVICES:
            import_module(f"subgraphs.{name}.app").create(settings, Database(settings.database_url, head=""))
        sys.exit("subgraphs.kit.fault" in sys.modules)
    """
    for environment, loaded in (("production", 0), ("development", 1)):
        line = [sys.executable, "-c", dedent(program)]
        assert subprocess.run(line, env={"MATAPALO_ENV": environment}, check=False).returncode == loaded


@pytest.mark.stack
def test_a_database_behind_the_head_is_one_sentence(database_url: str) -> None:
    empty = f"{database_url.rpartition('/')[0]}/template1"
    code, said = outcome(subgraphs("orders", SUBGRAPHS_DATABASE_URL=empty, SUBGRAPHS_PORT=str(free_port())))
    assert code == 1
    assert said.startswith("subgraphs: The database is at migration none, this code needs")
    assert "python -m subgraphs migrate" in said
    assert len(said.splitlines()) == 1


def test_a_port_in_use_is_one_sentence_that_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = outcome(subgraphs("orders", SUBGRAPHS_PORT=str(port)))
    assert (code, said) == (1, f"subgraphs: orders cannot listen on 127.0.0.1:{port}: Address already in use.\n")


def test_a_wrong_setting_is_one_sentence_that_names_it() -> None:
    code, said = outcome(subgraphs("orders", SUBGRAPHS_PORT="many"))
    assert (code, len(said.splitlines())) == (1, 1)
    assert "port: Input should be a valid integer" in said


def first_of_free_ports(count: int) -> int:
    while True:
        base = free_port()
        try:
            with ExitStack() as stack:
                for port in range(base, base + count):
                    stack.enter_context(socket.create_server(("127.0.0.1", port)))
        except (OSError, OverflowError):
            continue
        return base


def ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success
    except httpx.TransportError:
        return False
