"""Compensations: all of them, in reverse, whatever happens meanwhile."""

from datetime import timedelta

from temporalio.exceptions import ApplicationError

from matapalo.workflows.saga import COMPENSATION_TIMEOUT, Compensation, Saga


class Harness:
    """A saga whose compensations write down that they ran; those in ``failing`` fail within a timeout."""

    def __init__(self, *failing: str) -> None:
        self.saga = Saga()
        self.log: list[str] = []
        self._failing = failing

    def register(self, name: str) -> None:
        async def run(timeout: timedelta | None) -> None:
            assert timeout in (COMPENSATION_TIMEOUT, None)
            if timeout is not None and name in self._failing:
                raise ApplicationError("not yet")
            self.log.append(name)

        self.saga.register(Compensation(name, run))

    async def compensate(self) -> None:
        await self.saga.compensate(
            on_failure=lambda name, error: self.log.append(f"{name} failed: {error}"),
            when_stuck=lambda: self.log.append("stuck"),
        )


async def test_what_was_registered_last_is_compensated_first():
    harness = Harness()
    for name in ("create", "reserve", "charge"):
        harness.register(name)
    await harness.compensate()
    assert harness.log == ["charge", "reserve", "create"]


async def test_a_failing_compensation_stops_no_other_and_is_run_again():
    harness = Harness("charge")
    for name in ("create", "charge"):
        harness.register(name)
    await harness.compensate()
    assert harness.log == ["charge failed: not yet", "create", "stuck", "charge"]


async def test_nothing_is_compensated_after_the_pivot_nor_twice():
    harness = Harness()
    harness.register("create")
    harness.saga.pivot()
    harness.register("ship")
    await harness.compensate()
    await harness.compensate()
    assert harness.log == ["ship"]
