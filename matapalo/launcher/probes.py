"""Is it ready? One probe per protocol, over the wire as a client would.

A probe answers None when the process is ready and otherwise says what is missing. It waits at most ``TIMEOUT_S`` and
never raises for an unreachable server.
"""

import asyncio
import json
import struct
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from matapalo.launcher.platform import HOST

Probe = Callable[[], Awaitable[str | None]]
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
TIMEOUT_S = 5.0


def valkey(port: int) -> Probe:
    """PING; a server that still loads its file responds with an error."""

    async def check() -> str | None:
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            writer.write(b"PING\r\n")
            response = await reader.readuntil(b"\r\n")
        finally:
            writer.close()
        return None if response == b"+PONG\r\n" else f"responds {response.decode(errors='replace').strip()}"

    return _guarded(check)


def postgres(port: int, *, user: str, database: str) -> Probe:
    """Open a session (PostgreSQL message flow, "Start-up"): ready when the server says ReadyForQuery."""
    parameters = b"".join(part.encode() + b"\0" for part in ("user", user, "database", database)) + b"\0"
    body = struct.pack("!i", 196608) + parameters  # protocol 3.0
    hello = struct.pack("!i", len(body) + 4) + body

    async def check() -> str | None:
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            writer.write(hello)
            while True:
                kind, length = struct.unpack("!ci", await reader.readexactly(5))
                content = await reader.readexactly(length - 4)
                if kind == b"Z":
                    writer.write(b"X" + struct.pack("!i", 4))  # Terminate: leave without a line in its log
                    await writer.drain()
                    return None
                if kind == b"E":
                    return _postgres_message(content)
        finally:
            writer.close()

    return _guarded(check)


def temporal(ui_port: int, *, namespace: str, search_attributes: frozenset[str]) -> Probe:
    """Ask through the web UI's server, which asks the frontend: namespace there, search attributes registered."""
    path = f"/api/v1/namespaces/{namespace}/search-attributes"

    async def check() -> str | None:
        status, body = await _get(await asyncio.open_connection(HOST, ui_port), path)
        if status != 200:
            return f"namespace {namespace} is not there yet"
        missing = search_attributes - set(json.loads(body).get("customAttributes", {}))
        return f"search attributes missing: {', '.join(sorted(missing))}" if missing else None

    return _guarded(check)


def http(port: int, path: str = "/readyz") -> Probe:
    """200 is ready; anything else is quoted, since /readyz names what is not."""
    return _get_ok(lambda: asyncio.open_connection(HOST, port), path)


def http_on_socket(socket: Path, path: str) -> Probe:
    """The same over a UNIX socket (Envoy's admin interface)."""
    return _get_ok(lambda: asyncio.open_unix_connection(str(socket)), path)


def all_of(parts: Mapping[str, Probe]) -> Probe:
    """Ready when every part is; otherwise names the parts that are not."""

    async def probe() -> str | None:
        results = await asyncio.gather(*(part() for part in parts.values()))
        missing = [f"{name} {reason}" for name, reason in zip(parts, results, strict=True) if reason is not None]
        return "; ".join(missing) or None

    return probe


def _get_ok(connect: Callable[[], Awaitable[Connection]], path: str) -> Probe:
    async def check() -> str | None:
        status, body = await _get(await connect(), path)
        return None if status == 200 else f"{status} {_shortened(body)}"

    return _guarded(check)


def _guarded(check: Probe) -> Probe:
    async def probe() -> str | None:
        try:
            return await asyncio.wait_for(check(), TIMEOUT_S)
        except (ConnectionError, FileNotFoundError):
            return "does not listen yet"
        except TimeoutError:
            return f"does not respond within {TIMEOUT_S:g} s"
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            return f"responds with nonsense: {error}"

    return probe


async def _get(connection: Connection, path: str) -> tuple[int, bytes]:
    """One GET; the response ends where the connection ends. HTTP/1.1, since Envoy refuses 1.0."""
    reader, writer = connection
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1."):
            raise ValueError(f"no HTTP: {head[:40]!r}")
        body = await reader.read()
        return int(head[9:12]), _joined(body) if b"chunked" in head.lower() else body
    finally:
        writer.close()


def _joined(chunked: bytes) -> bytes:
    """The body of a chunked response (RFC 9112 §7.1)."""
    body = b""
    while chunked:
        length, _, rest = chunked.partition(b"\r\n")
        count = int(length.split(b";")[0], 16)
        body, chunked = body + rest[:count], rest[count + 2 :] if count else b""
    return body


def _postgres_message(content: bytes) -> str:
    fields: dict[str, Any] = {
        part[:1].decode(): part[1:].decode(errors="replace") for part in content.split(b"\0") if part
    }
    return str(fields.get("M", "refuses the session"))


def _shortened(body: bytes) -> str:
    text = " ".join(body.decode(errors="replace").split())
    return text if len(text) <= 160 else f"{text[:157]}…"
