"""Readiness: what is needed and down says no, what is not needed says what does not work."""

import asyncio
import socket

import pytest

from matapalo.process import health
from matapalo.process.health import Dependency, answers_on, check


async def up() -> None:
    pass


async def down() -> None:
    raise ConnectionRefusedError("nobody there")


async def silent() -> None:
    await asyncio.Event().wait()


async def test_everything_up_is_ready() -> None:
    found = await check([Dependency("a", up, "", needed=True), Dependency("b", up, "")])
    assert (found.ready, found.down) == (True, {})


async def test_a_needed_dependency_that_is_down_makes_it_not_ready_and_is_named() -> None:
    found = await check([Dependency("gateway", down, "no service", needed=True), Dependency("redis", up, "")])
    assert found.as_json() == {
        "ready": False,
        "not_ready": ["gateway"],
        "degraded": {},
        "dependencies": {"gateway": "ConnectionRefusedError: nobody there", "redis": "up"},
    }


async def test_another_one_makes_it_degraded() -> None:
    found = await check([Dependency("redis", down, "progress cannot be followed")])
    assert found.ready
    assert found.as_json()["degraded"] == {"redis": "progress cannot be followed"}


async def test_one_that_does_not_answer_is_down_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PROBE_TIMEOUT_S", 0.01)
    found = await check([Dependency("slow", silent, "", needed=True)])
    assert found.down == {"slow": "no answer within 0.01 s"}


async def test_a_port_is_probed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        await answers_on(f"127.0.0.1:{listening.getsockname()[1]}")
    with pytest.raises(OSError, match=r"."):
        await answers_on("127.0.0.1:1")
