"""HTTP through httpx: for tests (an ASGI app or a fake as ``transport``) and as the fallback ``BFF_HTTP_CLIENT=httpx``.

``trust_env=False``: proxy variables and netrc files of the machine do not concern us. httpx's timeouts are per phase,
so the whole call is limited by `asyncio.timeout`.
"""

import asyncio

import httpx

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


class HttpxTransport:
    """Calls relative to ``base_url``. ``transport`` is httpx's own seam."""

    def __init__(self, base_url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._client = httpx.AsyncClient(
            base_url=base_url,
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S),
            limits=httpx.Limits(
                max_connections=MAX_CONNECTIONS,
                max_keepalive_connections=MAX_CONNECTIONS,
                keepalive_expiry=IDLE_CONNECTION_S,
            ),
        )

    async def send(self, call: RestRequest) -> RestResponse:
        """Send and read completely. Raises `TransportFailure`."""
        try:
            async with (
                asyncio.timeout(call.timeout_s),
                self._client.stream(
                    call.method, call.target, headers=dict(call.headers), content=call.body
                ) as response,
            ):
                body = Body()
                async for chunk in response.aiter_bytes():
                    body.add(chunk)
                return RestResponse(response.status_code, response.headers.get("content-type", ""), body.whole())
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict, TimeoutError) as error:
            raise failure_of(error) from error

    async def aclose(self) -> None:
        await self._client.aclose()


def failure_of(error: Exception) -> TransportFailure:
    """Which of our failures an exception of the client is."""
    if isinstance(error, httpx.ConnectError):
        return ConnectFailed(str(error))
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return TimedOut(str(error))
    return Broken(str(error))
