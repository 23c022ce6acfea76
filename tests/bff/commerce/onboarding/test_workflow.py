"""The onboarding workflow on a real server whose clock jumps, with the customers service in memory."""

import itertools
import os

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from bff.commerce.onboarding.messages import OnboardingEnding, OnboardingStatus, RegisterCustomerRequest
from bff.commerce.onboarding.tokens import confirmed_record_id
from bff.commerce.onboarding.workflow import CONFIRM_UPDATE_ID, TASK_QUEUE, OnboardCustomer
from matapalo.errors import UpstreamUnavailable
from matapalo.idempotency.claim import Claim
from tests.bff.commerce.onboarding.conftest import SECRET
from tests.harness.accounts import FakeAccounts
from tests.harness.eventually import eventually

pytestmark = pytest.mark.stack

Handle = WorkflowHandle[OnboardCustomer, OnboardingEnding]
DAY_S = 24 * 3600
_numbers = itertools.count(1)


def down() -> Exception:
    return UpstreamUnavailable("connection reset")


async def register(environment: WorkflowEnvironment, email: str = "ana@example.org") -> tuple[str, Handle]:
    record_id = f"{os.getpid():08x}{next(_numbers):08x}".ljust(64, "0")
    claim = Claim("registerCustomer", record_id, fingerprint="of the input", attempt_id="request-1")
    request = RegisterCustomerRequest(claim, "Ana", email)
    handle = await environment.client.start_workflow(
        OnboardCustomer.run, request, id=f"registerCustomer:{record_id}", task_queue=TASK_QUEUE
    )
    return request.customer_id, handle


async def confirm(environment: WorkflowEnvironment, handle: Handle) -> bool:
    with environment.auto_time_skipping_disabled():
        confirmation = await handle.execute_update(OnboardCustomer.confirm, id=CONFIRM_UPDATE_ID)
    return confirmation.confirmed


async def awaits(handle: Handle) -> bool:
    return await handle.query(OnboardCustomer.status) is OnboardingStatus.AWAITING_CONFIRMATION


async def test_a_confirmed_address_is_welcomed_once(skipping: WorkflowEnvironment, accounts: FakeAccounts):
    customer, handle = await register(skipping)
    await eventually(lambda: accounts.emails, message="an email")
    (email,) = accounts.emails
    token = next(line for line in email.text.splitlines() if len(line) == 71)
    assert f"registerCustomer:{confirmed_record_id([SECRET], token)}" == handle.id

    assert await confirm(skipping, handle)
    assert await handle.result() is OnboardingEnding.WELCOMED
    assert await handle.get_update_handle_for(OnboardCustomer.confirm, CONFIRM_UPDATE_ID).result()
    assert accounts.effects[customer] == ["create", "verify", "credit 100"]


async def test_after_seven_days_and_a_reminder_the_address_is_free(
    skipping: WorkflowEnvironment, accounts: FakeAccounts
):
    begun = await skipping.get_current_time()
    customer, handle = await register(skipping)

    assert await handle.result() is OnboardingEnding.EXPIRED

    days = (await skipping.get_current_time() - begun).total_seconds() / DAY_S
    assert 6.9 < days < 7.1
    assert [email.subject for email in accounts.emails] == [
        "Please confirm your e-mail address",
        "Your registration is about to expire",
    ]
    assert accounts.effects[customer] == ["create", "expire"]
    assert accounts.addresses == set()


async def test_a_confirmation_after_the_reminder_is_in_time(skipping: WorkflowEnvironment, accounts: FakeAccounts):
    customer, handle = await register(skipping)
    await eventually(lambda: awaits(handle), message="it waits")
    await skipping.sleep(6 * DAY_S)
    assert len(accounts.emails) == 2
    assert await confirm(skipping, handle)
    assert await handle.result() is OnboardingEnding.WELCOMED
    assert "expire" not in accounts.effects[customer]


async def test_a_taken_address_gets_an_email_and_no_customer(skipping: WorkflowEnvironment, accounts: FakeAccounts):
    accounts.addresses.add("ana@example.org")
    customer, handle = await register(skipping)
    assert await handle.result() is OnboardingEnding.ALREADY_A_CUSTOMER
    assert accounts.effects[customer] == []
    assert accounts.addresses == {"ana@example.org"}
    assert [email.subject for email in accounts.emails] == ["You are a customer already"]


async def test_a_service_away_for_an_hour_leaves_no_trace(skipping: WorkflowEnvironment, accounts: FakeAccounts):
    accounts.always["create"] = down
    customer, handle = await register(skipping)
    assert await handle.result() is OnboardingEnding.FAILED
    assert accounts.effects[customer] == []
    assert accounts.emails == []


async def test_an_email_that_cannot_be_sent_ends_in_an_expiry(skipping: WorkflowEnvironment, accounts: FakeAccounts):
    accounts.always["send"] = down
    customer, handle = await register(skipping)
    assert await handle.result() is OnboardingEnding.EXPIRED
    assert accounts.effects[customer] == ["create", "expire"]


async def test_an_operator_cancels_and_nothing_is_left(skipping: WorkflowEnvironment, accounts: FakeAccounts):
    customer, handle = await register(skipping)
    await eventually(lambda: awaits(handle), message="it waits")
    await handle.cancel()
    with pytest.raises(WorkflowFailureError):
        await handle.result()
    assert accounts.effects[customer] == ["create", "expire"]


async def test_a_failing_expiry_needs_attention_and_refuses_to_confirm(
    skipping: WorkflowEnvironment, accounts: FakeAccounts
):
    accounts.always["expire"] = down
    customer, handle = await register(skipping)
    await eventually(lambda: awaits(handle), message="it waits")
    await skipping.sleep(7 * DAY_S + 3600)
    assert await handle.query(OnboardCustomer.status) is OnboardingStatus.NEEDS_ATTENTION
    with pytest.raises(WorkflowUpdateFailedError):
        await confirm(skipping, handle)
    del accounts.always["expire"]
    assert await handle.result() is OnboardingEnding.EXPIRED
    assert accounts.effects[customer] == ["create", "expire"]


async def test_a_registration_shows_no_personal_data_in_temporal(skipping: WorkflowEnvironment, accounts: FakeAccounts):
    _, handle = await register(skipping)
    await eventually(lambda: awaits(handle), message="it waits")
    description = await handle.describe()
    visible = f"{description.search_attributes} {await description.static_summary()} {await description.memo()}"
    assert "ana" not in visible.lower()
