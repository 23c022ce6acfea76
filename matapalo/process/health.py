"""Whether a process can serve, and what it lacks: probes of dependencies, run together, each within its time.

A dependency that is ``needed`` and down makes the process not ready; another one makes it degraded.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

PROBE_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Dependency:
    """Something a process leans on. ``probe`` raises when it is down; ``without_it`` says what does not work then."""

    name: str
    probe: Callable[[], Awaitable[object]]
    without_it: str
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Health:
    """What the probes found: the reason for each dependency that is down."""

    down: dict[str, str]
    ready: bool
    dependencies: Sequence[Dependency]

    def as_json(self) -> dict[str, object]:
        """The body of `/readyz`."""
        return {
            "ready": self.ready,
            "not_ready": [each.name for each in self.dependencies if each.needed and each.name in self.down],
            "degraded": {
                each.name: each.without_it for each in self.dependencies if not each.needed and each.name in self.down
            },
            "dependencies": {each.name: self.down.get(each.name, "up") for each in self.dependencies},
        }


async def check(dependencies: Sequence[Dependency]) -> Health:
    """Probe every dependency."""
    reasons = await asyncio.gather(*(_reason(each) for each in dependencies))
    down = {each.name: reason for each, reason in zip(dependencies, reasons, strict=True) if reason is not None}
    return Health(down, not any(each.needed and each.name in down for each in dependencies), dependencies)


async def answers_on(address: str) -> None:
    """Probe: something accepts TCP connections at ``host:port``."""
    host, _, port = address.rpartition(":")
    _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    writer.close()


async def _reason(dependency: Dependency) -> str | None:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            await dependency.probe()
    except TimeoutError:
        return f"no answer within {PROBE_TIMEOUT_S:g} s"
    except Exception as error:  # whatever a client library raises, the dependency is down
        return f"{type(error).__name__}: {error}"[:200]
    return None
