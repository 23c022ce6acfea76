"""What `matapalo.rest` needs of an HTTP client: one call in, one response or one of four failures out.

Two implementations: `matapalo.rest.pyreqwest_transport` (the hot path) and `matapalo.rest.httpx_transport` (tests
through an ASGI app or a fake, and the fallback). Both follow no redirect, obey no proxy variable, and read at most
`MAX_RESPONSE_BYTES`.

* TransportFailure
  - ConnectFailed     no connection: nothing reached the service
  - TimedOut          no complete response in time: what the service did is unknown
  - Broken            the connection broke, or what came over it is no HTTP
  - ResponseTooLarge  the body is over the limit
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

MAX_RESPONSE_BYTES = 4_000_000
CONNECT_TIMEOUT_S = 1.0
MAX_CONNECTIONS = 256
IDLE_CONNECTION_S = 30.0


@dataclass(frozen=True, slots=True)
class RestRequest:
    """One HTTP request. ``target`` is path and query, percent-encoded; ``timeout_s`` covers it from start to end."""

    method: str
    target: str
    headers: Mapping[str, str]
    timeout_s: float
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class RestResponse:
    """One HTTP response, read completely."""

    status: int
    content_type: str
    body: bytes | memoryview


class TransportFailure(Exception):
    """No response. The text is for logs: it may hold addresses."""


class ConnectFailed(TransportFailure):
    """No connection: nothing reached the service."""


class TimedOut(TransportFailure):
    """No complete response within ``RestRequest.timeout_s``."""


class Broken(TransportFailure):
    """The connection broke, or what came over it is no HTTP."""


class ResponseTooLarge(TransportFailure):
    """The body is larger than `MAX_RESPONSE_BYTES`."""


class Transport(Protocol):
    """Sends calls over pooled connections. Raises `TransportFailure` and nothing else."""

    async def send(self, call: RestRequest) -> RestResponse: ...

    async def aclose(self) -> None: ...


class Body:
    """Collects a body chunk by chunk; raises `ResponseTooLarge` as soon as it is over the limit."""

    __slots__ = ("_chunks", "_size")

    def __init__(self) -> None:
        self._chunks: list[bytes | memoryview] = []
        self._size = 0

    def add(self, chunk: bytes | memoryview) -> None:
        self._size += len(chunk)
        if self._size > MAX_RESPONSE_BYTES:
            raise ResponseTooLarge(f"more than {MAX_RESPONSE_BYTES} bytes")
        self._chunks.append(chunk)

    def whole(self) -> bytes | memoryview:
        """The body; not copied when it came in one chunk."""
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
