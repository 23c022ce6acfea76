"""Registering and confirming through Temporal, as the BFF does it."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from temporalio.client import Client

from bff.commerce.onboarding.activities import OnboardingActivities
from bff.commerce.onboarding.messages import RegisterCustomerRequest
from bff.commerce.onboarding.ports import ConfirmResult
from bff.commerce.onboarding.temporal import TemporalRegistrations
from bff.commerce.onboarding.tokens import confirmation_token
from bff.commerce.worker import create_onboarding_worker
from matapalo.errors import BadUserInput, IdempotencyKeyReused
from matapalo.idempotency.claim import Claim
from matapalo.workflows.client import Workflows
from tests.bff.commerce.onboarding.conftest import SECRET
from tests.harness.accounts import FakeAccounts

pytestmark = pytest.mark.stack


@pytest.fixture
def registrations(temporal_address: str) -> TemporalRegistrations:
    workflows = Workflows(address=temporal_address, namespace="default")
    return TemporalRegistrations(workflows=workflows, secrets=(SECRET,))


@pytest.fixture
async def worker(temporal_address: str, accounts: FakeAccounts) -> AsyncIterator[Client]:
    client = await Client.connect(temporal_address)
    activities = OnboardingActivities(accounts=accounts, mail=accounts, secrets=(SECRET,))
    async with create_onboarding_worker(client, activities):
        yield client


def make_request() -> RegisterCustomerRequest:
    claim = Claim("registerCustomer", uuid.uuid4().hex * 2, fingerprint="of the input", attempt_id=uuid.uuid4().hex)
    return RegisterCustomerRequest(claim, "Ana", f"{uuid.uuid4().hex}@example.org")


async def test_a_registration_begins_once_also_without_a_worker(registrations: TemporalRegistrations):
    request = make_request()

    async def repeat(**changes: Any) -> bool:
        return await registrations.register(replace(request, claim=replace(request.claim, **changes)))

    assert await registrations.register(request) is True
    assert await repeat(attempt_id="another") is False
    with pytest.raises(IdempotencyKeyReused):
        await repeat(fingerprint="of other input")
    assert await repeat(record_id=uuid.uuid4().hex * 2, older_record_ids=(request.claim.record_id,)) is False


async def test_a_code_confirms_also_when_sent_again_after_the_end(
    registrations: TemporalRegistrations, worker: Client, accounts: FakeAccounts
):
    request = make_request()
    await registrations.register(request)
    token = confirmation_token([SECRET], request.claim.record_id)
    assert await registrations.confirm(token) is ConfirmResult.CONFIRMED
    await worker.get_workflow_handle(f"registerCustomer:{request.claim.record_id}").result()
    assert await registrations.confirm(token) is ConfirmResult.CONFIRMED
    assert accounts.effects[request.customer_id] == ["create", "verify", "credit 100"]


async def test_a_code_without_a_registration_is_too_late(
    registrations: TemporalRegistrations,
):
    assert await registrations.confirm(confirmation_token([SECRET], uuid.uuid4().hex * 2)) is ConfirmResult.TOO_LATE


async def test_a_forged_code_is_refused(registrations: TemporalRegistrations):
    with pytest.raises(BadUserInput):
        await registrations.confirm("A" * 71)


async def test_without_a_worker_a_confirmation_is_under_way(registrations: TemporalRegistrations):
    request = make_request()
    await registrations.register(request)
    assert await registrations.confirm(confirmation_token([SECRET], request.claim.record_id)) is ConfirmResult.UNDER_WAY
