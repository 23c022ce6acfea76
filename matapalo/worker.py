"""The worker process: runs what the project registers, and says over HTTP how it is.

Waits for Temporal as long as it takes; on SIGTERM it stops polling, lets activities under way end, and leaves. HTTP on
``metrics_port``: `/healthz` (the process lives), `/readyz` (it polls for work; 503 names what is missing), `/metrics`.
"""

from collections.abc import Callable, Sequence
from contextlib import aclosing

from temporalio.client import Client
from temporalio.worker import Worker

from matapalo.process.clock import SystemClock
from matapalo.process.server import repeating
from matapalo.process.worker import run_workers
from matapalo.project.declaration import Project
from matapalo.project.location import ProjectError
from matapalo.project.references import resolve
from matapalo.resources import Resources, create_resources
from matapalo.settings import Settings
from matapalo.telemetry.metrics import Metrics
from matapalo.workflows.codec import converter
from matapalo.workflows.metrics import TemporalMetrics, create_buffer
from matapalo.workflows.runtime import create_runtime

DRAIN_EVERY_S = 2.0

#: What a project registers: from the resources of the process to its workers, each made once Temporal is there.
Register = Callable[[Resources], Sequence[Callable[[Client], Worker]]]


class RegistrationError(ValueError):
    """What the project registers cannot work with the settings there are."""


async def serve(settings: Settings, project: Project) -> None:
    """Run until SIGTERM or SIGINT. Raises `ProjectError`, `RegistrationError` and what a worker failed with."""
    buffer = create_buffer()
    temporal = TemporalMetrics(buffer)
    metrics = Metrics("worker")
    metrics.registry.register(temporal)
    resources = create_resources(settings, SystemClock(), observe=metrics.rest_call)
    async with aclosing(resources), repeating(temporal.drain, every_s=DRAIN_EVERY_S):
        await run_workers(
            _registered(project, resources),
            host=settings.host,
            port=settings.metrics_port,
            registry=metrics.registry,
            temporal_address=settings.temporal_address,
            namespace=settings.temporal_namespace,
            data_converter=converter(settings.payload_keys),
            runtime=create_runtime(buffer),
        )


def _registered(project: Project, resources: Resources) -> list[Callable[[Client], Worker]]:
    if project.worker is None:
        raise ProjectError(f"{project.file.name} has no table [worker]: there is nothing to work on")
    workers: list[Callable[[Client], Worker]] = []
    for reference in project.worker.register_:
        register: Register = resolve(project, reference, key="worker.register")
        try:
            workers += register(resources)
        except ValueError as error:
            raise RegistrationError(str(error)) from error
    return workers
