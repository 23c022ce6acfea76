"""The order workflow's diary: which step is in which state, and the events that say how it came to that.

Pure: times are arguments. The workflow writes it and publishes what ``take`` returns.
"""

from dataclasses import replace
from datetime import datetime

from bff.commerce.fulfilment.messages import (
    Fulfilment,
    FulfilmentStatus,
    OrderEvent,
    OrderStep,
    OrderStepState,
    StepProgress,
)


class Journal:
    """Steps and events of one order."""

    def __init__(self) -> None:
        self.status = FulfilmentStatus.PLACING
        self._steps: dict[OrderStep, StepProgress] = {}
        self._unpublished: list[OrderEvent] = []
        self._written = 0
        self._finished = False

    @property
    def fulfilment(self) -> Fulfilment:
        """The state now."""
        return Fulfilment(status=self.status, steps=tuple(self._steps.values()))

    @property
    def has_news(self) -> bool:
        """Whether events wait for ``take``."""
        return bool(self._unpublished)

    @property
    def is_complete(self) -> bool:
        """Whether the last event has been taken."""
        return self._finished and not self._unpublished

    def started(self, step: OrderStep, at: datetime) -> None:
        """The step begins, perhaps once more."""
        before = self._steps.get(step)
        self._steps[step] = StepProgress(
            name=step,
            state=OrderStepState.STARTED,
            started_at=before.started_at if before else at,
            attempts=before.attempts + 1 if before else 1,
        )
        self._write(step, OrderStepState.STARTED, at, "")

    def ended(self, step: OrderStep, state: OrderStepState, at: datetime, message: str = "") -> None:
        """The step is done, has failed, or has been undone."""
        before = self._steps.get(step)
        if before is None:
            return
        self._steps[step] = replace(before, state=state, finished_at=at)
        self._write(step, state, at, message)

    def finish(self, status: FulfilmentStatus, at: datetime, message: str) -> None:
        """The last event."""
        self.status = status
        state = OrderStepState.DONE if status is FulfilmentStatus.COMPLETED else OrderStepState.FAILED
        self._write(OrderStep.FINISH, state, at, message)
        self._finished = True

    def take(self) -> tuple[OrderEvent, ...]:
        """The events since the last call."""
        taken = tuple(self._unpublished)
        self._unpublished.clear()
        return taken

    def _write(self, step: OrderStep, state: OrderStepState, at: datetime, message: str) -> None:
        self._written += 1
        self._unpublished.append(OrderEvent(number=self._written, step=step, state=state, at=at, message=message))
