"""The load generator: a process of its own that keeps N connections busy until a time or a number of requests is over.

    python -m benchmarks.load        one Job a line on standard input, one Outcome a line on standard output

The loop is closed: a connection sends its next request when it has the whole response, so latencies are those of N busy
clients, not of a rate (that is `matapalo traffic`). Each response is compared with the expected bytes; the first other
one ends the round and is the outcome's ``fault``. It is httptools over a raw asyncio protocol, about 30 µs a request:
it takes little from what it measures.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import httptools
import msgspec
import uvloop

from benchmarks.errors import BenchmarkError

TIMEOUT_S = 30


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One round. ``expected`` is the response's whole body, or None where any 200 will do."""

    port: int
    path: str
    headers: dict[str, str]
    body: str
    expected: str | None
    concurrency: int
    seconds: float
    max_requests: int
    method: str = "POST"

    def request(self) -> bytes:
        """The bytes each connection sends, again and again."""
        body = self.body.encode()
        headers = {"host": f"127.0.0.1:{self.port}", "content-length": str(len(body))} | self.headers
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a round. ``elapsed_s`` ends with the last response; the connections were open before it began."""

    requests: int
    elapsed_s: float
    latencies_us: list[int]
    fault: str | None = None


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request in flight. Raises ConnectionError when the peer closes it."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._chunks: list[bytes] = []
        self._response: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None

    async def fetch(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; the status and body of its response."""
        assert self._transport is not None
        self._response = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._response

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclasses of it

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._response is not None and not self._response.done():
            self._response.set_exception(ConnectionError("the connection was closed before the response was complete"))

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)

    def on_message_complete(self) -> None:
        body = b"".join(self._chunks)
        self._chunks.clear()
        if self._response is not None and not self._response.done():
            self._response.set_result((self._parser.get_status_code(), body))


@dataclass(slots=True)
class _Round:
    """What the connections of one round share."""

    job: Job
    request: bytes
    expected: bytes | None
    latencies_us: list[int]
    left: int
    ends_at_s: float
    fault: str | None = None

    async def keep_busy(self, connection: Connection) -> None:
        while self.left > 0 and self.fault is None and time.perf_counter() < self.ends_at_s:
            self.left -= 1
            sent_ns = time.perf_counter_ns()
            status, body = await connection.fetch(self.request)
            self.latencies_us.append((time.perf_counter_ns() - sent_ns) // 1000)
            if status != 200 or (self.expected is not None and body != self.expected):
                self.fault = f"status {status} with {len(body)} bytes, not as before: {body[:300]!r}"


async def run(job: Job) -> Outcome:
    loop = asyncio.get_running_loop()
    connections = [Connection() for _ in range(job.concurrency)]
    try:
        for connection in connections:
            await loop.create_connection(lambda mine=connection: mine, "127.0.0.1", job.port)  # type: ignore[misc]
        started_s = time.perf_counter()
        expected = None if job.expected is None else job.expected.encode()
        shared = _Round(job, job.request(), expected, [], job.max_requests, started_s + job.seconds)
        async with asyncio.timeout(job.seconds + TIMEOUT_S):
            await asyncio.gather(*(shared.keep_busy(connection) for connection in connections))
        elapsed_s = time.perf_counter() - started_s
    finally:
        for connection in connections:
            connection.close()
    return Outcome(
        requests=len(shared.latencies_us), elapsed_s=elapsed_s, latencies_us=shared.latencies_us, fault=shared.fault
    )


@contextmanager
def generator() -> Iterator[Callable[[Job], Outcome]]:
    """The generator's process, as a function that waits for a round's outcome."""
    command = [sys.executable, "-m", "benchmarks.load"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        pipes = process.stdin, process.stdout

        def offer(job: Job) -> Outcome:
            pipes[0].write(msgspec.json.encode(job) + b"\n")
            pipes[0].flush()
            line = pipes[1].readline()
            if not line:
                raise BenchmarkError("the load generator has ended; it says why above")
            return msgspec.json.decode(line, type=Outcome)

        try:
            yield offer
        finally:
            process.kill()


async def run_safely(job: Job) -> Outcome:
    """One round; whatever goes wrong on the way is the outcome's fault."""
    try:
        return await run(job)
    except TimeoutError:
        fault = f"no response within {TIMEOUT_S} s"
    except OSError as error:
        fault = str(error)
    return Outcome(requests=0, elapsed_s=0, latencies_us=[], fault=fault)


def main() -> None:
    """Serve jobs until standard input ends."""
    for line in sys.stdin.buffer:
        outcome = uvloop.run(run_safely(msgspec.json.decode(line, type=Job)))
        sys.stdout.buffer.write(msgspec.json.encode(outcome) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
