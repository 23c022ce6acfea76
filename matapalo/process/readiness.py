"""Whether a process can do its work: what `/readyz` says, one shape in every process of the platform.

`{"ready": false, "missing": {"temporal": "not connected"}}`, with status 503 while anything is missing. A process may
add members of its own; a BFF adds `degraded`, what does not work without a dependency that it can live without.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import JSONResponse

PROBE_TIMEOUT_S = 1.0


def readiness(missing: Mapping[str, str], **details: object) -> JSONResponse:
    """The response of `/readyz`. ``missing``: the reason for each thing that keeps the process from working."""
    body = {"ready": not missing, "missing": dict(missing), **details}
    return JSONResponse(body, status_code=503 if missing else 200)


@dataclass(frozen=True, slots=True)
class Dependency:
    """What a process leans on. ``probe`` raises when it is down; ``without_it`` says what does not work then."""

    name: str
    probe: Callable[[], Awaitable[object]]
    without_it: str
    needed: bool = False


async def check(dependencies: Sequence[Dependency]) -> JSONResponse:
    """Probe every dependency at once; one that is ``needed`` and down makes the process not ready."""
    reasons = await asyncio.gather(*(_reason(dependency) for dependency in dependencies))
    missing: dict[str, str] = {}
    degraded: dict[str, str] = {}
    for dependency, reason in zip(dependencies, reasons, strict=True):
        if reason is not None:
            body = missing if dependency.needed else degraded
            body[dependency.name] = f"{dependency.without_it}: {reason}"
    return readiness(missing, degraded=degraded)


async def accepts_connections(address: str) -> None:
    """Probe: something accepts TCP connections at ``host:port``."""
    host, _, port = address.rpartition(":")
    _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    writer.close()


async def _reason(dependency: Dependency) -> str | None:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            await dependency.probe()
    except TimeoutError:
        return f"no response within {PROBE_TIMEOUT_S:g} s"
    except Exception as error:  # whatever a client library raises, the dependency is down
        return f"{type(error).__name__}: {error}"[:200]
    return None
