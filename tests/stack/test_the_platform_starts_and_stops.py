"""`matapalo up` as its user has it: Ctrl-C, kill -9, a second platform beside the first, a second start."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.harness.eventually import eventually_sync
from tests.harness.platform import Platform, free_offset, stop

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

READY_S = 60


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Platform]:
    """A platform of this test's own, beside the shared one; stopped at the end whatever happened."""
    mine = Platform(tmp_path / "data", free_offset())
    try:
        yield mine
    finally:
        mine.run("down", timeout_s=60)


def is_ready(platform: Platform) -> bool:
    try:
        response = httpx.post(
            f"{platform.edge}/web/graphql",
            json={"query": "{ products(first: 1) { nodes { stock } } }"},
            timeout=5, trust_env=False,
        )  # fmt: skip
    except httpx.HTTPError:
        return False
    return response.status_code == 200 and "errors" not in response.json()


def wait_until_ready(platform: Platform, *, starts: int = 1) -> None:
    """Until `up` has said so for the ``starts``th time: what a killed launcher left behind answers as well."""
    eventually_sync(
        lambda: platform.said.read_text().count("ready in") == starts,
        deadline_s=READY_S,
        message="the platform does not come up",
    )
    assert is_ready(platform)


def processes_of(platform: Platform) -> list[psutil.Process]:
    """Every process whose command line or environment names the platform's data directory."""
    processes = []
    needle = str(platform.data_dir)
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and (
                needle in " ".join(process.cmdline()) or needle in " ".join(process.environ().values())
            ):
                processes.append(process)
        except psutil.Error:
            continue  # it ended meanwhile, or is the kernel's
    return processes


def test_ctrl_c_leaves_no_process(platform: Platform, other: Platform) -> None:
    launcher = other.spawn_up()
    wait_until_ready(other)
    assert is_ready(platform), "the first platform must not mind the second"

    assert stop(launcher, signal.SIGINT) in {0, 130}
    assert [process.cmdline() for process in processes_of(other)] == []
    assert is_ready(platform)


def test_after_kill_9_of_the_launcher_up_finds_the_data(other: Platform) -> None:
    launcher = other.spawn_up()
    wait_until_ready(other)
    launcher.kill()
    launcher.wait()
    assert processes_of(other), "this test is about what a killed launcher leaves behind"

    again = other.spawn_up()
    wait_until_ready(other, starts=2)
    assert again.poll() is None
    assert len(other.get("/api/orders?limit=5", other.customer()).body["items"]) == 5
    assert stop(again, signal.SIGTERM) in {0, 143, -signal.SIGTERM}
    assert [process.cmdline() for process in processes_of(other)] == []


def test_a_port_in_use_is_named_with_its_holder(platform: Platform, tmp_path: Path) -> None:
    second = Platform(tmp_path / "data", platform.offset)
    done = second.run("up", "--port-offset", str(platform.offset), timeout_s=60)

    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert str(8080 + platform.offset) in said
    assert "--port-offset" in said


def test_status_names_every_process_and_its_state(platform: Platform) -> None:
    done = platform.run("status")

    assert done.returncode == 0, done.stdout
    for name in ("valkey", "postgres", "temporal", "subgraphs", "control", "agent", "envoy", "web", "mobile", "worker"):
        assert name in done.stdout


def test_an_unknown_process_is_answered_with_the_known_ones(platform: Platform) -> None:
    done = platform.run("logs", "nonsense")

    assert done.returncode != 0
    assert "envoy" in done.stdout + done.stderr
