"""Both HTTP clients behave alike, over a real socket, and every exception they know becomes one of four failures."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pyreqwest.exceptions
import pytest

from matapalo.rest import httpx_transport as over_httpx
from matapalo.rest import pyreqwest_transport as over_pyreqwest
from matapalo.rest.httpx_transport import HttpxTransport
from matapalo.rest.pyreqwest_transport import PyreqwestTransport
from matapalo.rest.transport import (
    MAX_RESPONSE_BYTES,
    Broken,
    ConnectFailed,
    ResponseTooLarge,
    RestRequest,
    TimedOut,
    Transport,
    TransportFailure,
)
from tests.harness.ports import free_port

MakeTransport = Callable[[str], Transport]
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


@dataclass
class Server(asyncio.Protocol):
    """Sends ``response`` to every request; nothing when it is None. Stores what it receives."""

    response: bytes | None = OK
    close: bool = False
    received: list[bytes] = field(default_factory=list)
    open: set[asyncio.Transport] = field(default_factory=set)
    url: str = ""

    def connection(self) -> asyncio.Protocol:
        server = self

        class Connection(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self.transport: asyncio.Transport = transport  # type: ignore[assignment]
                server.open.add(self.transport)

            def connection_lost(self, exc: Exception | None) -> None:
                server.open.discard(self.transport)

            def data_received(self, data: bytes) -> None:
                server.received.append(data)
                if server.response is not None:
                    self.transport.write(server.response)
                if server.close:
                    self.transport.close()

        return Connection()


@asynccontextmanager
async def serving(response: bytes | None = OK, *, close: bool = False) -> AsyncIterator[Server]:
    server = Server(response, close)
    listening = await asyncio.get_running_loop().create_server(server.connection, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
        for transport in list(server.open):
            transport.abort()
        await listening.wait_closed()


@pytest.fixture(params=[PyreqwestTransport, HttpxTransport])
def make_transport(request: pytest.FixtureRequest) -> MakeTransport:
    return request.param  # type: ignore[no-any-return]


async def send(make_transport: MakeTransport, url: str, call: RestRequest) -> object:
    """Status, content type and body as bytes, or the failure."""
    transport = make_transport(url)
    try:
        response = await transport.send(call)
        return response.status, response.content_type, bytes(response.body)
    except TransportFailure as failure:
        return failure
    finally:
        await transport.aclose()


def get(target: str = "/api/orders", timeout_s: float = 5.0) -> RestRequest:
    return RestRequest("GET", target, {"x-user-id": "cust_0001"}, timeout_s)


async def test_the_call_arrives_as_it_was_made(make_transport):
    async with serving() as server:
        call = RestRequest("POST", "/api/orders?ids=a,b%20c", {"x-user-id": "cust_0001"}, 5.0, b'{"a":1}')
        assert await send(make_transport, server.url, call) == (200, "application/json", b"{}")
        request = b"".join(server.received)
    assert request.startswith(b"POST /api/orders?ids=a,b%20c HTTP/1.1\r\n")
    assert b"x-user-id: cust_0001" in request.lower()
    assert request.endswith(b'{"a":1}')


async def test_redirects_are_responses_and_not_followed(make_transport):
    async with serving() as elsewhere:
        redirect = f"HTTP/1.1 302 Found\r\nlocation: {elsewhere.url}/x\r\ncontent-length: 0\r\n\r\n".encode()
        async with serving(redirect) as server:
            assert (await send(make_transport, server.url, get()))[0] == 302  # type: ignore[index]
        assert elsewhere.received == []


async def test_proxy_variables_are_not_obeyed(make_transport, monkeypatch):
    async with serving() as server, serving() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert (await send(make_transport, server.url, get()))[0] == 200  # type: ignore[index]
        assert proxy.received == []


async def test_a_port_without_a_listener_is_connect_failed(make_transport):
    assert isinstance(await send(make_transport, f"http://127.0.0.1:{free_port()}", get()), ConnectFailed)


async def test_no_response_in_time_is_timed_out(make_transport):
    async with serving(response=None) as server:
        assert isinstance(await send(make_transport, server.url, get(timeout_s=0.05)), TimedOut)


async def test_half_a_response_in_time_is_timed_out(make_transport):
    async with serving(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf") as server:
        assert isinstance(await send(make_transport, server.url, get(timeout_s=0.05)), TimedOut)


@pytest.mark.parametrize("response", [b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", b"no http at all\r\n\r\n"])
async def test_a_broken_response_is_broken(make_transport, response):
    async with serving(response, close=True) as server:
        assert isinstance(await send(make_transport, server.url, get()), Broken)


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_too_large(make_transport, chunked):
    size = MAX_RESPONSE_BYTES + 1
    if chunked:
        head, body = b"transfer-encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (size, bytes(size))
    else:
        head, body = b"content-length: %d" % size, bytes(size)
    async with serving(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + body) as server:
        assert isinstance(await send(make_transport, server.url, get()), ResponseTooLarge)


async def test_a_body_in_pieces_is_put_together(make_transport):
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(c), c) for c in (b'{"items":', b"[", b"]}"))
    async with serving(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n") as server:
        assert (await send(make_transport, server.url, get()))[2] == b'{"items":[]}'  # type: ignore[index]


async def test_a_cancelled_call_gives_its_connection_back(make_transport):
    async with serving(response=None) as server:
        transport = make_transport(server.url)
        task = asyncio.ensure_future(transport.send(get(timeout_s=0.3)))
        while not server.received:  # noqa: ASYNC110  # bounded by the test's time limit
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while server.open:  # noqa: ASYNC110  # bounded by the test's time limit
            await asyncio.sleep(0.001)
        await transport.aclose()


# --- no exception is forgotten ---


def _subclasses(cls: type[BaseException]) -> Iterator[type[BaseException]]:
    yield cls
    for subclass in cls.__subclasses__():
        yield from _subclasses(subclass)


EXPECTED_PYREQWEST = {
    "ConnectError": ConnectFailed,
    **dict.fromkeys(
        ["RequestTimeoutError", "ConnectTimeoutError", "ReadTimeoutError", "WriteTimeoutError", "PoolTimeoutError"],
        TimedOut,
    ),
    **dict.fromkeys(
        ["PyreqwestError", "DetailedPyreqwestError", "RequestError", "StatusError", "RedirectError", "DecodeError",
        "BodyDecodeError", "JSONDecodeError", "TransportError", "NetworkError", "ReadError", "WriteError",
        "ClientClosedError", "BuilderError", "RequestPanicError"],
        Broken,
    ),
}  # fmt: skip
EXPECTED_HTTPX = {
    "ConnectError": ConnectFailed,
    **dict.fromkeys(
        ["TimeoutException", "ConnectTimeout", "ReadTimeout", "WriteTimeout", "PoolTimeout", "TimeoutError"], TimedOut
    ),
    **dict.fromkeys(
        ["HTTPError", "RequestError", "TransportError", "NetworkError", "ReadError", "WriteError", "CloseError",
        "ProxyError", "UnsupportedProtocol", "ProtocolError", "LocalProtocolError", "RemoteProtocolError",
        "DecodingError", "TooManyRedirects", "HTTPStatusError", "InvalidURL", "CookieConflict",
        "StreamError", "StreamConsumed", "StreamClosed", "ResponseNotRead", "RequestNotRead"],
        Broken,
    ),
}  # fmt: skip


def _bare(cls: type[BaseException]) -> BaseException:
    """An instance without the arguments its constructor would ask for."""
    error = cls.__new__(cls)
    error.args = ("text",)
    return error


def test_every_exception_of_pyreqwest_is_mapped():
    exported = {
        name: cls
        for name, cls in vars(pyreqwest.exceptions).items()
        if inspect.isclass(cls) and issubclass(cls, pyreqwest.exceptions.PyreqwestError)
    }
    assert set(exported) == set(EXPECTED_PYREQWEST)
    for name, cls in exported.items():
        assert type(over_pyreqwest.failure_of(_bare(cls))) is EXPECTED_PYREQWEST[name], name  # type: ignore[arg-type]


def test_every_exception_of_httpx_is_mapped_and_caught(monkeypatch):
    exported = {
        name: cls for name, cls in vars(httpx).items() if inspect.isclass(cls) and issubclass(cls, Exception)
    } | {"TimeoutError": TimeoutError}
    assert set(exported) == set(EXPECTED_HTTPX)
    for name, cls in exported.items():

        async def raising(request: httpx.Request, cls: type[BaseException] = cls) -> httpx.Response:
            raise _bare(cls)

        failure = asyncio.run(_send_through(httpx.MockTransport(raising)))
        assert type(failure) is EXPECTED_HTTPX[name], name


async def _send_through(transport: httpx.MockTransport) -> object:
    return await send(lambda url: HttpxTransport(url, transport=transport), "http://fake", get())


def test_the_mapping_of_httpx_agrees_with_the_classes():
    for cls in _subclasses(httpx.HTTPError):
        assert isinstance(over_httpx.failure_of(_bare(cls)), EXPECTED_HTTPX[cls.__name__])  # type: ignore[arg-type]
