"""The hot path: HTTP through pyreqwest (Rust), 42 µs of CPU a call where httpx needs 1700 (docs/decisions).

Its defaults would follow a redirect with the identity headers and obey ``HTTP_PROXY`` even for loopback: both are off.
A pooled connection that the server has closed is retried by the client itself. A cancelled call keeps its connection
until its time is up, which no call can do without. No UNIX sockets.
"""

from datetime import timedelta

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import ConnectError, PyreqwestError, RequestTimeoutError
from pyreqwest.response import Response

from matapalo.rest.transport import (
    CONNECT_TIMEOUT_S,
    IDLE_CONNECTION_S,
    MAX_CONNECTIONS,
    Body,
    Broken,
    ConnectFailed,
    RestRequest,
    RestResponse,
    TimedOut,
    TransportFailure,
)


class PyreqwestTransport:
    """Calls relative to ``base_url`` (scheme, host and port)."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._client = _client()

    async def send(self, call: RestRequest) -> RestResponse:
        """Send and read completely. Raises `TransportFailure`."""
        try:
            request = (
                self._client.request(call.method, self._base_url + call.target)
                .headers(call.headers)
                .timeout(timedelta(seconds=call.timeout_s))
            )
            if call.body is not None:
                request = request.body_bytes(call.body)
            async with request.build_streamed() as response:
                return RestResponse(response.status, response.get_header("content-type") or "", await _body(response))
        except PyreqwestError as error:
            raise failure_of(error) from error

    async def aclose(self) -> None:
        await self._client.close()


def failure_of(error: PyreqwestError) -> TransportFailure:
    """Which of our failures an exception of the client is."""
    if isinstance(error, ConnectError):
        return ConnectFailed(str(error))
    if isinstance(error, RequestTimeoutError):
        return TimedOut(str(error))
    return Broken(str(error))


def _client() -> Client:
    return (
        ClientBuilder()
        .no_proxy()
        .follow_redirects(False)
        .referer(False)
        .http1_only()
        .max_connections(MAX_CONNECTIONS)
        .connect_timeout(timedelta(seconds=CONNECT_TIMEOUT_S))
        .pool_timeout(timedelta(seconds=CONNECT_TIMEOUT_S))
        .pool_idle_timeout(timedelta(seconds=IDLE_CONNECTION_S))
        .pool_max_idle_per_host(MAX_CONNECTIONS)
        .build()
    )


async def _body(response: Response) -> bytes | memoryview:
    body = Body()
    while (chunk := await response.body_reader.read_chunk()) is not None:
        body.add(memoryview(chunk))
    return body.whole()
