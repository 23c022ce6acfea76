"""Compensations of a workflow that cannot go on, run whatever happens meanwhile.

A compensation is registered before its step, because a step that failed may still have had its effect; so each one
must be harmless when there is nothing to compensate. They run in reverse. One that cannot succeed does not stop the
others.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from temporalio.exceptions import FailureError

COMPENSATION_TIMEOUT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Compensation:
    """``run`` compensates the step ``name``, retried within a schedule-to-close timeout; without end for None."""

    name: str
    run: Callable[[timedelta | None], Awaitable[None]]


class Saga:
    """The compensations of the steps so far."""

    def __init__(self) -> None:
        self._registered: list[Compensation] = []

    def register(self, compensation: Compensation) -> None:
        """Call it before the step that it compensates."""
        self._registered.append(compensation)

    def pivot(self) -> None:
        """From here on the only way is forward."""
        self._registered.clear()

    async def compensate(
        self, *, on_failure: Callable[[str, FailureError], None], when_stuck: Callable[[], None]
    ) -> None:
        """Run every compensation, the last one first; those that fail again, after ``when_stuck``, without end."""
        stuck: list[Compensation] = []
        for compensation in reversed(self._registered):
            try:
                await compensation.run(COMPENSATION_TIMEOUT)
            except FailureError as error:
                on_failure(compensation.name, error)
                stuck.append(compensation)
        self._registered.clear()
        if stuck:
            when_stuck()
        for compensation in stuck:
            await compensation.run(None)
