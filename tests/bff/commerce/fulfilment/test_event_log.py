"""The event log of an order: numbers, attempts, what was taken."""

from datetime import UTC, datetime, timedelta

from bff.commerce.fulfilment.event_log import EventLog
from bff.commerce.fulfilment.messages import FulfilmentStatus, OrderStep, OrderStepState

AT = datetime(2026, 1, 2, tzinfo=UTC)
LATER = AT + timedelta(seconds=1)


def test_events_are_numbered_without_gaps_however_they_are_taken():
    event_log = EventLog()
    event_log.started(OrderStep.CREATE, AT)
    first = event_log.take()
    event_log.ended(OrderStep.CREATE, OrderStepState.DONE, LATER)
    event_log.started(OrderStep.RESERVE, LATER)
    assert [event.id for event in (*first, *event_log.take())] == ["1-0", "2-0", "3-0"]
    assert event_log.take() == ()


def test_a_step_keeps_its_beginning_and_counts_its_attempts():
    event_log = EventLog()
    event_log.started(OrderStep.SHIP, AT)
    event_log.ended(OrderStep.SHIP, OrderStepState.FAILED, AT, "no carrier")
    event_log.started(OrderStep.SHIP, LATER)
    event_log.ended(OrderStep.SHIP, OrderStepState.DONE, LATER)
    (step,) = event_log.fulfilment.steps
    assert (step.started_at, step.finished_at, step.attempts, step.state) == (AT, LATER, 2, OrderStepState.DONE)


def test_what_never_began_does_not_end():
    event_log = EventLog()
    event_log.ended(OrderStep.CHARGE, OrderStepState.COMPENSATED, AT)
    assert event_log.take() == ()


def test_it_is_complete_when_its_last_event_has_been_taken():
    event_log = EventLog()
    event_log.finish(FulfilmentStatus.COMPLETED, AT, "done")
    assert not event_log.is_complete
    (last,) = event_log.take()
    assert last.is_last
    assert last.state is OrderStepState.DONE
    assert event_log.is_complete


def test_a_status_alone_is_news():
    event_log = EventLog()
    event_log.set_status(FulfilmentStatus.NEEDS_ATTENTION)
    assert event_log.has_news
    assert event_log.take() == ()
    assert not event_log.has_news


def test_it_still_has_what_was_taken():
    event_log = EventLog()
    event_log.started(OrderStep.CREATE, AT)
    taken = event_log.take()
    event_log.ended(OrderStep.CREATE, OrderStepState.DONE, LATER)
    assert event_log.events == (*taken, *event_log.take())
