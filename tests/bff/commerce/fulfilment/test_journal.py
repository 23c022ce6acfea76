"""The diary of an order."""

from datetime import UTC, datetime, timedelta

from bff.commerce.fulfilment.journal import Journal
from bff.commerce.fulfilment.messages import FulfilmentStatus, OrderStep, OrderStepState

AT = datetime(2026, 1, 2, tzinfo=UTC)
LATER = AT + timedelta(seconds=1)


def test_events_are_numbered_from_one_without_gaps_however_they_are_taken():
    journal = Journal()
    journal.started(OrderStep.CREATE, AT)
    first = journal.take()
    journal.ended(OrderStep.CREATE, OrderStepState.DONE, LATER)
    journal.started(OrderStep.RESERVE, LATER)
    assert [event.id for event in (*first, *journal.take())] == ["1-0", "2-0", "3-0"]
    assert journal.take() == ()


def test_a_step_keeps_its_beginning_and_counts_its_attempts():
    journal = Journal()
    journal.started(OrderStep.SHIP, AT)
    journal.ended(OrderStep.SHIP, OrderStepState.FAILED, AT, "no carrier")
    journal.started(OrderStep.SHIP, LATER)
    journal.ended(OrderStep.SHIP, OrderStepState.DONE, LATER)
    (step,) = journal.fulfilment.steps
    assert (step.started_at, step.finished_at, step.attempts, step.state) == (AT, LATER, 2, OrderStepState.DONE)


def test_what_never_began_does_not_end():
    journal = Journal()
    journal.ended(OrderStep.CHARGE, OrderStepState.UNDONE, AT)
    assert journal.take() == ()


def test_it_is_complete_when_its_last_event_has_been_taken():
    journal = Journal()
    journal.finish(FulfilmentStatus.COMPLETED, AT, "done")
    assert not journal.is_complete
    (last,) = journal.take()
    assert last.is_last
    assert last.state is OrderStepState.DONE
    assert journal.is_complete


def test_a_status_alone_is_news():
    journal = Journal()
    journal.stands(FulfilmentStatus.NEEDS_ATTENTION)
    assert journal.has_news
    assert journal.take() == ()
    assert not journal.has_news


def test_it_remembers_what_was_taken():
    journal = Journal()
    journal.started(OrderStep.CREATE, AT)
    taken = journal.take()
    journal.ended(OrderStep.CREATE, OrderStepState.DONE, LATER)
    assert journal.events == (*taken, *journal.take())
