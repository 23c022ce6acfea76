"""`python -m benchmarks.idempotency [PORT_OFFSET]`: what it costs that a mutation happens once.

CPU is this process's own (the BFF's side of the calls), taken in rounds that take turns with the PINGs that it is
compared to. The last part starts the platform and orders through its edge; without a port offset it is left out.

- the two calls that surround a mutation, its result of 1 kB encrypted, against two PINGs: at most 3 times;
- a stored result of 1 kB that does not compress: at most 1.5 kB of Valkey's memory, key included;
- ``placeOrder`` under a new key against the same one sent again: p50.

Exits with 1 when a bound is missed.
"""

import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import httpx
import uvloop
from redis.asyncio import Redis

from benchmarks import machine
from benchmarks.child import free_port, listens, running
from benchmarks.errors import BenchmarkError
from benchmarks.platform import platform, token
from matapalo.idempotency.cipher import ResultCipher
from matapalo.idempotency.records import RedisRecords
from matapalo.idempotency.runner import LEASE, RETENTION
from matapalo.launcher.engines import valkey
from matapalo.launcher.platform import EDGE_PORT

ROUNDS, CALLS, ORDERS = 7, 2_000, 30
MOST_CPU, MOST_BYTES = 3.0, 1_536
RESULT = os.urandom(1_024)
FINGERPRINT = "00" * 32
PLACE = """
mutation ($key: String!, $input: PlaceOrderInput!) {
  placeOrder(input: $input) @idempotent(key: $key) { __typename ... on OrderPlaced { order { id } } }
}
"""

Work = Callable[[], Awaitable[object]]


async def micros(work: Work) -> float:
    """CPU µs of this process for one call of ``work``."""
    before = time.process_time()
    for _ in range(CALLS):
        await work()
    return (time.process_time() - before) / CALLS * 1e6


async def against_pings(url: str) -> bool:
    """Print what begin and complete cost; whether that is within bounds."""
    records, redis = RedisRecords(url, lease=LEASE, retention=RETENTION), Redis.from_url(url, protocol=2)
    cipher = ResultCipher(["a secret that is long enough for this"])

    async def pings() -> None:
        await cast(Any, redis.ping())
        await cast(Any, redis.ping())

    async def begin_and_complete() -> str:
        record_id = uuid.uuid4().hex + uuid.uuid4().hex
        begun = await records.begin(record_id, fingerprint=FINGERPRINT, resumes=True)
        await records.complete(record_id, begun.fence, cipher.encrypt(record_id, RESULT))
        return record_id

    try:
        rounds = [(await micros(pings), await micros(begin_and_complete)) for _ in range(ROUNDS)]
        size = await redis.memory_usage(f"idem:{await begin_and_complete()}") or 0
    finally:
        await records.aclose()
        await redis.aclose()
    ratio = statistics.median(mine / theirs for theirs, mine in rounds)
    two_pings, mine = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"two PINGs                       {two_pings:7.0f} µs CPU")
    print(f"begin + complete, 1 kB encrypted{mine:7.0f} µs CPU   {ratio:.2f} times (≤ {MOST_CPU:g})")
    print(f"a stored result of 1 kB         {size:7d} bytes    (≤ {MOST_BYTES})")
    return ratio <= MOST_CPU and size <= MOST_BYTES


def duplicates(offset: int, folder: Path) -> None:
    """Print how long the first `placeOrder` takes, and the same one again."""
    first_ms: list[float] = []
    again_ms: list[float] = []
    with platform(folder, offset) as base, httpx.Client(trust_env=False, timeout=20) as http:
        headers = {"authorization": f"Bearer {token(base, 'customer')}"}
        for number in range(ORDERS + 3):
            key = str(uuid.uuid4())
            order = {"items": [{"productId": f"prod_{number + 1:04}", "quantity": 1}]}
            body = {"query": PLACE, "variables": {"key": key, "input": order}}
            for taken in (first_ms, again_ms):
                before = time.perf_counter()
                response = http.post(base.url(EDGE_PORT, "/web/graphql"), json=body, headers=headers)
                taken.append((time.perf_counter() - before) * 1000)
                assert response.json()["data"]["placeOrder"], response.text
    first, again = (statistics.median(taken[3:]) for taken in (first_ms, again_ms))  # the first ones warm up
    print(f"placeOrder, a new key           {first:7.1f} ms p50")
    print(f"placeOrder, the same again      {again:7.1f} ms p50    {again / first:.2f} of the first")


def main(arguments: list[str]) -> int:
    """The whole program; its exit code."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder, port = Path(name), free_port()
        (folder / "valkey").mkdir()
        command = valkey.command(port=port, data_dir=folder / "valkey")
        with running("valkey", command, folder=folder, ready=listens(port)):
            is_met = uvloop.run(against_pings(f"redis://127.0.0.1:{port}/0"))
        if arguments:
            duplicates(int(arguments[0]), folder)
    print(machine.sentence(machine.facts()))
    return 0 if is_met else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BenchmarkError as error:
        sys.exit(f"benchmarks: {error}")
