"""The onboarding workflow on a real server whose clock jumps, with the customers service in memory."""

import itertools
import os

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from bff.commerce.onboarding.messages import OnboardingEnding, OnboardingStatus, RegisterCustomer
from bff.commerce.onboarding.tokens import record_of
from bff.commerce.onboarding.workflow import CONFIRM_UPDATE_ID, TASK_QUEUE, OnboardCustomer
from matapalo.errors import UpstreamUnavailable
from tests.bff.commerce.onboarding.conftest import SECRET
from tests.harness.accounts import Book
from tests.harness.waiting import eventually

pytestmark = pytest.mark.stack

Handle = WorkflowHandle[OnboardCustomer, OnboardingEnding]
DAY_S = 24 * 3600
_numbers = itertools.count(1)


def down() -> Exception:
    return UpstreamUnavailable("connection reset")


async def register(environment: WorkflowEnvironment, email: str = "ana@example.org") -> tuple[str, Handle]:
    record = f"{os.getpid():08x}{next(_numbers):08x}".ljust(64, "0")
    customer = RegisterCustomer(f"cust_{record[:16]}", "Ana", email, request_hash="", attempt_id="")
    handle = await environment.client.start_workflow(
        OnboardCustomer.run, customer, id=f"registerCustomer:{record}", task_queue=TASK_QUEUE
    )
    return customer.customer_id, handle


async def confirm(environment: WorkflowEnvironment, handle: Handle) -> bool:
    with environment.auto_time_skipping_disabled():
        answer = await handle.execute_update(OnboardCustomer.confirm, id=CONFIRM_UPDATE_ID)
    return answer.confirmed


async def awaits(handle: Handle) -> bool:
    return await handle.query(OnboardCustomer.status) is OnboardingStatus.AWAITING_CONFIRMATION


async def test_a_confirmed_address_is_welcomed_once(skipping: WorkflowEnvironment, book: Book):
    customer, handle = await register(skipping)
    await eventually(lambda: book.letters, message="a letter")
    (letter,) = book.letters
    token = next(line for line in letter.text.splitlines() if len(line) == 64)
    assert f"registerCustomer:{record_of([SECRET], token)}" == handle.id

    assert await confirm(skipping, handle)
    assert await handle.result() is OnboardingEnding.WELCOMED
    assert await handle.get_update_handle_for(OnboardCustomer.confirm, CONFIRM_UPDATE_ID).result()
    assert book.effects[customer] == ["create", "verify", "credit 100"]


async def test_nobody_confirms_for_seven_days_one_reminder_and_the_address_is_free(
    skipping: WorkflowEnvironment, book: Book
):
    begun = await skipping.get_current_time()
    customer, handle = await register(skipping)

    assert await handle.result() is OnboardingEnding.EXPIRED

    days = (await skipping.get_current_time() - begun).total_seconds() / DAY_S
    assert 6.9 < days < 7.1
    assert [letter.subject for letter in book.letters] == [
        "Please confirm your e-mail address",
        "Your registration is about to expire",
    ]
    assert book.effects[customer] == ["create", "expire"]
    assert book.emails == set()


async def test_a_confirmation_after_the_reminder_is_in_time(skipping: WorkflowEnvironment, book: Book):
    customer, handle = await register(skipping)
    await eventually(lambda: awaits(handle), message="it waits")
    await skipping.sleep(6 * DAY_S)
    assert len(book.letters) == 2
    assert await confirm(skipping, handle)
    assert await handle.result() is OnboardingEnding.WELCOMED
    assert "expire" not in book.effects[customer]


async def test_an_address_that_is_taken_is_written_to_and_nothing_is_created(skipping: WorkflowEnvironment, book: Book):
    book.emails.add("ana@example.org")
    customer, handle = await register(skipping)
    assert await handle.result() is OnboardingEnding.ALREADY_A_CUSTOMER
    assert book.effects[customer] == []
    assert book.emails == {"ana@example.org"}
    assert [letter.subject for letter in book.letters] == ["You are a customer already"]


async def test_a_service_that_is_away_for_an_hour_ends_it_and_leaves_nothing(skipping: WorkflowEnvironment, book: Book):
    book.always["create"] = down
    customer, handle = await register(skipping)
    assert await handle.result() is OnboardingEnding.FAILED
    assert book.effects[customer] == []
    assert book.letters == []


async def test_a_letter_that_cannot_be_sent_ends_in_a_clean_expiry(skipping: WorkflowEnvironment, book: Book):
    book.always["send"] = down
    customer, handle = await register(skipping)
    assert await handle.result() is OnboardingEnding.EXPIRED
    assert book.effects[customer] == ["create", "expire"]


async def test_an_operator_cancels_and_nothing_is_left(skipping: WorkflowEnvironment, book: Book):
    customer, handle = await register(skipping)
    await eventually(lambda: awaits(handle), message="it waits")
    await handle.cancel()
    with pytest.raises(WorkflowFailureError):
        await handle.result()
    assert book.effects[customer] == ["create", "expire"]


async def test_an_expiry_that_fails_needs_attention_and_refuses_confirmations(
    skipping: WorkflowEnvironment, book: Book
):
    book.always["expire"] = down
    customer, handle = await register(skipping)
    await eventually(lambda: awaits(handle), message="it waits")
    await skipping.sleep(7 * DAY_S + 3600)
    assert await handle.query(OnboardCustomer.status) is OnboardingStatus.NEEDS_ATTENTION
    with pytest.raises(WorkflowUpdateFailedError):
        await confirm(skipping, handle)
    del book.always["expire"]
    assert await handle.result() is OnboardingEnding.EXPIRED
    assert book.effects[customer] == ["create", "expire"]


async def test_neither_list_nor_page_of_a_registration_shows_personal_data(skipping: WorkflowEnvironment, book: Book):
    _, handle = await register(skipping)
    await eventually(lambda: awaits(handle), message="it waits")
    description = await handle.describe()
    shown = f"{description.search_attributes} {await description.static_summary()} {await description.memo()}"
    assert "ana" not in shown.lower()
