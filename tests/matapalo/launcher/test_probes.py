"""Probes tell ready from not ready, and say why, whatever is at the other end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from matapalo.launcher import probes
from tests.harness.ports import free_port


@asynccontextmanager
async def responding(response: bytes) -> AsyncIterator[int]:
    """A server that reads one byte, sends these bytes and closes; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(response)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def http(status: str, body: str, *, head: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\n{head}\r\n{body}".encode()


async def test_200_is_ready() -> None:
    async with responding(http("200 OK", "{}")) as port:
        assert await probes.http(port)() is None


async def test_503_is_quoted_since_it_names_what_is_missing() -> None:
    async with responding(http("503 Service Unavailable", '{"missing":\n {"redis": "down"}}')) as port:
        assert await probes.http(port)() == '503 {"missing": {"redis": "down"}}'


@pytest.mark.parametrize("response", [b"", b"SSH-2.0-OpenSSH\r\n\r\n", b"\x00\x01\x02"])
async def test_another_server_on_the_port_is_not_ready(response: bytes) -> None:
    async with responding(response) as port:
        for probe in (probes.http(port), probes.valkey(port), probes.postgres(port, user="u", database="d")):
            assert await probe() is not None


async def test_a_port_without_a_listener_is_not_ready() -> None:
    assert await probes.valkey(free_port())() == "does not listen yet"
    assert await probes.http_on_socket(Path("/nowhere/envoy.sock"), "/ready")() == "does not listen yet"


async def test_valkey_that_still_loads_is_not_ready() -> None:
    async with responding(b"+PONG\r\n") as port:
        assert await probes.valkey(port)() is None
    async with responding(b"-LOADING the dataset\r\n") as port:
        assert await probes.valkey(port)() == "responds -LOADING the dataset"


async def test_temporal_is_ready_when_the_search_attributes_are_there() -> None:
    attributes = frozenset({"OrderStatus", "CustomerId"})
    registered = '{"customAttributes":{"OrderStatus":"Keyword"}}'
    chunked = f"{len(registered):x}\r\n{registered}\r\n0\r\n\r\n"
    async with responding(http("200 OK", chunked, head="Transfer-Encoding: chunked\r\n")) as port:
        probe = probes.temporal(port, namespace="default", search_attributes=attributes)
        assert await probe() == "search attributes missing: CustomerId"
    async with responding(http("200 OK", registered)) as port:
        assert await probes.temporal(port, namespace="default", search_attributes=frozenset({"OrderStatus"}))() is None


async def test_several_are_ready_together_or_the_missing_are_named() -> None:
    async with responding(http("200 OK", "")) as port:
        assert await probes.all_of({"orders": probes.http(port)})() is None
        both = probes.all_of({"orders": probes.http(port), "legacy": probes.http(free_port())})
        assert await both() == "legacy does not listen yet"
