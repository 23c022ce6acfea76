"""Readiness: what is needed and down says no, what is not needed says what does not work."""

import asyncio
import json
import socket
from collections.abc import Sequence
from typing import Any

import pytest

from matapalo.process import readiness
from matapalo.process.readiness import Dependency, accepts_connections, check


async def up() -> None:
    pass


async def down() -> None:
    raise ConnectionRefusedError("refused")


async def silent() -> None:
    await asyncio.Event().wait()


async def checked(dependencies: Sequence[Dependency]) -> tuple[int, Any]:
    response = await check(dependencies)
    return response.status_code, json.loads(bytes(response.body))


async def test_everything_up_is_ready() -> None:
    status, body = await checked([Dependency("a", up, "", needed=True), Dependency("b", up, "")])
    assert (status, body) == (200, {"ready": True, "missing": {}, "degraded": {}})


async def test_a_needed_dependency_that_is_down_is_named() -> None:
    status, body = await checked([Dependency("gateway", down, "no service", needed=True), Dependency("redis", up, "")])
    assert status == 503
    assert body == {
        "ready": False,
        "missing": {"gateway": "no service: ConnectionRefusedError: refused"},
        "degraded": {},
    }


async def test_an_optional_dependency_that_is_down_degrades() -> None:
    status, body = await checked([Dependency("redis", down, "progress cannot be followed")])
    assert (status, body["ready"]) == (200, True)
    assert body["degraded"] == {"redis": "progress cannot be followed: ConnectionRefusedError: refused"}


async def test_a_silent_dependency_is_down_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "PROBE_TIMEOUT_S", 0.01)
    _, body = await checked([Dependency("slow", silent, "no service", needed=True)])
    assert body["missing"] == {"slow": "no service: no response within 0.01 s"}


async def test_a_port_is_probed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await accepts_connections(f"127.0.0.1:{listener.getsockname()[1]}")
    with pytest.raises(OSError, match=r"."):
        await accepts_connections("127.0.0.1:1")
