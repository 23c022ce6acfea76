"""`benchmarks.load`: how much it asks, what it counts, and that it notices an answer that is not as before."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import pytest

from benchmarks.load import Job, generator, run, run_safely

Answering = Callable[[int], bytes]
ServerOf = Callable[[Answering], Awaitable[int]]

REQUEST_BODY = '{"query":"{ __typename }"}'


def http(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def always(_number: int) -> bytes:
    return http(b"the answer")


@pytest.fixture
async def server() -> AsyncIterator[ServerOf]:
    """Starts a server that answers its n-th request with what it is told; hands out its port."""
    servers: list[asyncio.Server] = []

    async def start(answering: Answering) -> int:
        asked = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal asked
            try:
                while True:
                    await reader.readuntil(b"\r\n\r\n")
                    assert (await reader.readexactly(len(REQUEST_BODY))).decode() == REQUEST_BODY
                    asked += 1
                    answer = answering(asked)
                    if not answer:
                        return
                    writer.write(answer)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        servers.append(await asyncio.start_server(serve, "127.0.0.1", 0))
        port: int = servers[-1].sockets[0].getsockname()[1]
        return port

    yield start
    for one in servers:
        one.close()
        await one.wait_closed()


def job(port: int, **changes: object) -> Job:
    one = Job(
        port=port,
        path="/web/graphql",
        headers={"content-type": "application/json"},
        body=REQUEST_BODY,
        expected="the answer",
        concurrency=3,
        seconds=5,
        max_requests=50,
    )
    return msgspec.structs.replace(one, **changes)


async def test_a_round_ends_after_its_number_of_requests(server: ServerOf) -> None:
    outcome = await run(job(await server(always)))

    assert outcome.requests == len(outcome.latencies_us) == 50
    assert outcome.fault is None
    assert 0 < outcome.elapsed_s < 5


async def test_a_round_ends_after_its_time(server: ServerOf) -> None:
    outcome = await run(job(await server(always), seconds=0.05, max_requests=1_000_000))

    assert outcome.elapsed_s >= 0.05
    assert 0 < outcome.requests < 1_000_000


async def test_a_chunked_answer_is_read_whole(server: ServerOf) -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nthe\r\n7\r\n answer\r\n0\r\n\r\n"

    assert (await run(job(await server(lambda _: chunked)))).fault is None


@pytest.mark.parametrize("other", [http(b"another answer"), http(b"the answer", "500 Internal Server Error")])
async def test_the_first_answer_that_is_not_as_before_ends_the_round(server: ServerOf, other: bytes) -> None:
    outcome = await run(job(await server(lambda number: always(number) if number < 10 else other), concurrency=1))

    assert outcome.requests == 10
    assert outcome.fault is not None
    assert "not as before" in outcome.fault


async def test_a_connection_that_is_closed_is_a_fault(server: ServerOf) -> None:
    outcome = await run_safely(job(await server(lambda number: always(number) if number < 10 else b"")))

    assert outcome.fault == "the connection was closed before the answer was complete"


async def test_nobody_there_is_a_fault() -> None:
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
