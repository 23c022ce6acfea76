"""One process of a crowd: `python -m tests.harness.limits_load URL single|cluster SUBJECT OPERATIONS SKEW_S`.

Prints `ready`, waits for a line, starts all operations at once and prints what became of them as JSON. Its clocks, wall
and monotonic, are off by SKEW_S: a limiter that believed them would count wrongly. Operations of the tier basic, 30
points each, of which they use 20.
"""

import asyncio
import json
import sys
import time
from datetime import datetime, timedelta

from matapalo.process.clock import SystemClock
from matapalo.ratelimit.limiter import Limiter
from matapalo.ratelimit.rules.decision import Decision
from matapalo.ratelimit.store.redis_store import create_store
from tests.harness.limits import new_limiter

RESERVED, USED = 30, 20


class SkewedClock(SystemClock):
    """Clocks that were set wrong."""

    def __init__(self, skew_s: float) -> None:
        self._skew_s = skew_s

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self._skew_s)

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self._skew_s


async def operation(limiter: Limiter, subject: str) -> Decision:
    """One operation; a permit is waited for, as a client does."""
    while True:
        decision = await limiter.reserve(subject, "basic", cost=RESERVED, kind="query")
        if decision.denial != "CONCURRENCY_LIMITED":
            break
        await asyncio.sleep(0.005)
    if decision.reservation is not None:
        await asyncio.sleep(0)
        limiter.settle(decision.reservation, USED)
    return decision


async def main(url: str, engine: str, subject: str, operations: int, skew_s: float) -> None:
    store = create_store(url, cluster=engine == "cluster", timeout_s=5.0)
    limiter = new_limiter(store, SkewedClock(skew_s), timeout_s=5.0)
    await limiter.state(subject, "basic")  # connected
    print("ready", flush=True)  # noqa: T201 - the test waits for it
    await asyncio.to_thread(sys.stdin.readline)
    started_s = time.monotonic()
    decisions = await asyncio.gather(*(operation(limiter, subject) for _ in range(operations)))
    await limiter.drain()
    await limiter.aclose()
    hints = [
        decision.retry_after_s
        for decision in decisions
        if decision.violated == ("minute",) and decision.retry_after_s is not None
    ]
    allowed = sum(decision.allowed for decision in decisions)
    report = {
        "operations": operations,
        "allowed": allowed,
        "degraded": sum(decision.degraded for decision in decisions),
        "spent": allowed * USED,
        "seconds": time.monotonic() - started_s,
        "shortest_hint_s": min(hints, default=None),
    }
    print(json.dumps(report))  # noqa: T201 - what the test reads


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5])))
