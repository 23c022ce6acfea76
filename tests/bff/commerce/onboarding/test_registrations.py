"""Registering and confirming through Temporal, as the BFF does it."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from temporalio.client import Client

from bff.commerce.onboarding.activities import OnboardingActivities
from bff.commerce.onboarding.ports import ConfirmAnswer, RegistrationWish
from bff.commerce.onboarding.registrations import TemporalRegistrations
from bff.commerce.onboarding.tokens import token_of
from bff.commerce.worker import create_onboarding_worker
from matapalo.errors import BadUserInput, IdempotencyKeyReused
from matapalo.workflows.client import Workflows
from tests.bff.commerce.onboarding.conftest import SECRET
from tests.harness.accounts import Book

pytestmark = pytest.mark.stack


@pytest.fixture
def registrations(temporal_address: str) -> TemporalRegistrations:
    workflows = Workflows(address=temporal_address, namespace="default")
    return TemporalRegistrations(workflows=workflows, secrets=(SECRET,))


@pytest.fixture
async def worker(temporal_address: str, book: Book) -> AsyncIterator[Client]:
    client = await Client.connect(temporal_address)
    activities = OnboardingActivities(accounts=book, mail=book, secrets=(SECRET,))
    async with create_onboarding_worker(client, activities):
        yield client


def a_wish() -> RegistrationWish:
    return RegistrationWish(
        field="registerCustomer",
        record_id=uuid.uuid4().hex * 2,
        older_record_ids=(),
        fingerprint="asked for this",
        attempt_id=uuid.uuid4().hex,
        name="Ana",
        email=f"{uuid.uuid4().hex}@example.org",
    )


async def test_a_registration_begins_once_also_without_a_worker(registrations: TemporalRegistrations):
    wish = a_wish()
    assert await registrations.register(wish) is True
    assert await registrations.register(replace(wish, attempt_id="another")) is False
    with pytest.raises(IdempotencyKeyReused):
        await registrations.register(replace(wish, fingerprint="asked for something else"))
    rotated = replace(wish, record_id=uuid.uuid4().hex * 2, older_record_ids=(wish.record_id,))
    assert await registrations.register(rotated) is False


async def test_a_code_confirms_also_when_it_is_sent_again_after_the_end(
    registrations: TemporalRegistrations, worker: Client, book: Book
):
    wish = a_wish()
    await registrations.register(wish)
    token = token_of(SECRET, wish.record_id)
    assert await registrations.confirm(token) is ConfirmAnswer.CONFIRMED
    await worker.get_workflow_handle(f"registerCustomer:{wish.record_id}").result()
    assert await registrations.confirm(token) is ConfirmAnswer.CONFIRMED
    assert book.effects[f"cust_{wish.record_id[:16]}"] == ["create", "verify", "credit 100"]


async def test_a_code_without_a_registration_is_too_late_and_a_forged_one_is_refused(
    registrations: TemporalRegistrations,
):
    assert await registrations.confirm(token_of(SECRET, uuid.uuid4().hex * 2)) is ConfirmAnswer.TOO_LATE
    with pytest.raises(BadUserInput):
        await registrations.confirm("A" * 64)


async def test_without_a_worker_a_confirmation_is_under_way(registrations: TemporalRegistrations):
    wish = a_wish()
    await registrations.register(wish)
    assert await registrations.confirm(token_of(SECRET, wish.record_id)) is ConfirmAnswer.UNDER_WAY
