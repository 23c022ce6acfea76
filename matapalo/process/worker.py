"""The shell of a Temporal worker process: it waits for Temporal, says how it is, works, and drains on SIGTERM.

What a process works on, its workflows and activities, is its own.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.responses import Response
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from matapalo.process.readiness import readiness
from matapalo.process.server import listening, status_routes
from matapalo.process.signals import stop_signal, unless_stopped, until_stopped

LOGGER = logging.getLogger(__name__)

FIRST_BACK_OFF_S = 0.2
LONGEST_BACK_OFF_S = 5.0
GRACE = timedelta(seconds=10)
STICKY_TIMEOUT = timedelta(seconds=1)


async def run_workers(
    workers: Sequence[Callable[[Client], Worker]],
    *,
    host: str,
    port: int,
    registry: CollectorRegistry,
    temporal_address: str,
    **connection: Any,
) -> None:
    """Work until SIGTERM or SIGINT; ready while it polls. ``connection``: further options of `Client.connect`.

    Raises whatever a worker failed with.
    """
    missing = {"temporal": "not connected"}

    async def ready() -> Response:
        return readiness(missing)

    with stop_signal() as stopping:
        async with listening(Starlette(routes=status_routes(ready, registry)), host=host, port=port):
            client = await unless_stopped(stopping, _connected(temporal_address, connection))
            if client is not None:
                await _work([create(client) for create in workers], missing, stopping)


def create_worker(
    client: Client,
    *,
    task_queue: str,
    workflows: Sequence[type],
    activities: Sequence[Callable[..., Any]],
    concurrency: int,
    max_cached_workflows: int,
) -> Worker:
    """A worker with the platform's bounds: what is over ``concurrency`` waits in Temporal's queue."""
    return Worker(
        client,
        task_queue=task_queue,
        workflows=workflows,
        activities=activities,
        max_cached_workflows=max_cached_workflows,
        max_concurrent_workflow_tasks=concurrency,
        max_concurrent_activities=concurrency,
        max_concurrent_local_activities=concurrency,
        # A worker that dies leaves its cached workflows to a queue only it reads: others take over after this.
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
        graceful_shutdown_timeout=GRACE,
    )


async def _connected(address: str, connection: Mapping[str, Any]) -> Client:
    back_off_s = FIRST_BACK_OFF_S
    while True:
        try:
            return await Client.connect(address, **connection)
        except (RPCError, RuntimeError) as error:
            LOGGER.warning("Temporal at %s is not there yet: %s", address, error)
        await asyncio.sleep(back_off_s)
        back_off_s = min(2 * back_off_s, LONGEST_BACK_OFF_S)


async def _work(workers: Sequence[Worker], missing: dict[str, str], stopping: asyncio.Event) -> None:
    """Run all of them until told to stop, or until one of them ends by itself."""
    polling = [asyncio.create_task(worker.run()) for worker in workers]
    missing.clear()
    LOGGER.info("working on task queues %s", ", ".join(worker.task_queue for worker in workers))
    await until_stopped(stopping, *polling)
    missing["temporal"] = "not polling any more: the process stops"
    await asyncio.gather(*(worker.shutdown() for worker, task in zip(workers, polling, strict=True) if not task.done()))
    await asyncio.gather(*polling)
