"""The order workflow's event log: which step is in which state, and the events that say how it came to that.

Pure: times are arguments. The workflow writes it and publishes what ``take`` returns. It keeps all events (a few
dozen), so that a projection that was lost can be written again.
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


class EventLog:
    """The steps and events of one order."""

    def __init__(self) -> None:
        self._status = FulfilmentStatus.PLACING
        self._steps: dict[OrderStep, StepProgress] = {}
        self._events: list[OrderEvent] = []
        self._taken = 0
        self._has_news = False
        self._finished = False

    @property
    def status(self) -> FulfilmentStatus:
        """The status of the order now."""
        return self._status

    @property
    def fulfilment(self) -> Fulfilment:
        """The status of the order and the state of its steps."""
        return Fulfilment(status=self._status, steps=tuple(self._steps.values()))

    @property
    def events(self) -> tuple[OrderEvent, ...]:
        """Every event until now, oldest first."""
        return tuple(self._events)

    @property
    def has_news(self) -> bool:
        """Whether events, or a status alone, wait for ``take``."""
        return self._has_news

    @property
    def is_complete(self) -> bool:
        """Whether the last event has been taken."""
        return self._finished and not self._has_news

    def set_status(self, status: FulfilmentStatus) -> None:
        """Change the status, without an event."""
        self._status = status
        self._has_news = True

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
        """The step is done, has failed, or has been compensated."""
        before = self._steps.get(step)
        if before is None:
            return
        self._steps[step] = replace(before, state=state, finished_at=at)
        self._write(step, state, at, message)

    def finish(self, status: FulfilmentStatus, at: datetime, message: str) -> None:
        """Write the last event: after it nothing follows."""
        self._status = status
        state = OrderStepState.DONE if status is FulfilmentStatus.COMPLETED else OrderStepState.FAILED
        self._write(OrderStep.FINISH, state, at, message)
        self._finished = True

    def take(self) -> tuple[OrderEvent, ...]:
        """The events since the last call, oldest first."""
        taken = tuple(self._events[self._taken :])
        self._taken = len(self._events)
        self._has_news = False
        return taken

    def _write(self, step: OrderStep, state: OrderStepState, at: datetime, message: str) -> None:
        self._events.append(OrderEvent(number=len(self._events) + 1, step=step, state=state, at=at, message=message))
        self._has_news = True
