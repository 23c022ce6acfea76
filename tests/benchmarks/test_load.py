"""`benchmarks.load`: how much it sends, what it counts, and that it notices another response."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import pytest

from benchmarks.load import Job, generator, run, run_safely

Responder = Callable[[int], bytes]
ServerOf = Callable[[Responder], Awaitable[int]]

REQUEST_BODY = '{"query":"{ __typename }"}'


def http(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def always(_number: int) -> bytes:
    return http(b"the response")


@pytest.fixture
async def server() -> AsyncIterator[ServerOf]:
    """Starts a server that responds to its n-th request as told; hands out its port."""
    servers: list[asyncio.Server] = []

    async def start(responder: Responder) -> int:
        received = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal received
            try:
                while True:
                    await reader.readuntil(b"\r\n\r\n")
                    assert (await reader.readexactly(len(REQUEST_BODY))).decode() == REQUEST_BODY
                    received += 1
                    response = responder(received)
                    if not response:
                        return
                    writer.write(response)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        servers.append(await asyncio.start_server(serve, "127.0.0.1", 0))
        port: int = servers[-1].sockets[0].getsockname()[1]
        return port

    yield start
    for started in servers:
        started.close()
        await started.wait_closed()


def job(port: int, **changes: object) -> Job:
    complete = Job(
        port=port,
        path="/web/graphql",
        headers={"content-type": "application/json"},
        body=REQUEST_BODY,
        expected="the response",
        concurrency=3,
        seconds=5,
        max_requests=50,
    )
    return msgspec.structs.replace(complete, **changes)


async def test_a_round_ends_after_its_number_of_requests(server: ServerOf) -> None:
    outcome = await run(job(await server(always)))

    assert outcome.requests == len(outcome.latencies_us) == 50
    assert outcome.fault is None
    assert 0 < outcome.elapsed_s < 5


async def test_a_round_ends_after_its_time(server: ServerOf) -> None:
    outcome = await run(job(await server(always), seconds=0.05, max_requests=1_000_000))

    assert outcome.elapsed_s >= 0.05
    assert 0 < outcome.requests < 1_000_000


async def test_a_chunked_response_is_read_whole(server: ServerOf) -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nthe\r\n9\r\n response\r\n0\r\n\r\n"

    assert (await run(job(await server(lambda _: chunked)))).fault is None


@pytest.mark.parametrize("other", [http(b"another response"), http(b"the response", "500 Internal Server Error")])
async def test_the_first_other_response_ends_the_round(server: ServerOf, other: bytes) -> None:
    outcome = await run(job(await server(lambda number: always(number) if number < 10 else other), concurrency=1))

    assert outcome.requests == 10
    assert outcome.fault is not None
    assert "not as before" in outcome.fault


async def test_a_connection_that_is_closed_is_a_fault(server: ServerOf) -> None:
    outcome = await run_safely(job(await server(lambda number: always(number) if number < 10 else b"")))

    assert outcome.fault == "the connection was closed before the response was complete"


async def test_a_missing_server_is_a_fault() -> None:
    outcome = await run_safely(job(9))

    assert outcome.fault is not None
    assert "9" in outcome.fault


async def test_it_runs_in_a_process_of_its_own(server: ServerOf) -> None:
    port = await server(always)
    with generator() as offer:
        first = await asyncio.to_thread(offer, job(port))
        second = await asyncio.to_thread(offer, job(port, expected="something else"))

    assert (first.requests, first.fault) == (50, None)
    assert second.fault is not None
