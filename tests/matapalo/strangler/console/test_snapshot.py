"""What many tabs read together."""

from typing import Any

from matapalo.strangler.console.snapshot import Reader
from tests.matapalo.strangler.harness import Harness


async def test_many_tabs_read_the_store_once(harness: Harness) -> None:
    reads = 0
    read = harness.store.read

    async def counted_read() -> Any:
        nonlocal reads
        reads += 1
        return await read()

    harness.store.read = counted_read  # type: ignore[method-assign]
    reader = Reader(harness.services)
    await reader.snapshot()
    reads_of_one_tab = reads
    for _ in range(20):
        await reader.snapshot()
    assert reads == reads_of_one_tab


async def test_a_part_that_cannot_be_read_leaves_the_others(harness: Harness) -> None:
    harness.store.is_down = True
    snapshot = await Reader(harness.services).snapshot()
    assert snapshot.table.problem == snapshot.nodes.problem == "Redis does not answer: it is down"
    assert snapshot.rollouts.or_else({}).keys() == {"orders"}


async def test_a_route_without_requests_has_no_metrics(harness: Harness) -> None:
    metrics = (await Reader(harness.services).metrics()).or_else({})
    assert metrics.keys() == {"orders", "customers"}
