"""With encryption on, nothing personal is readable in Temporal, and everything works and replays as before."""

import json
from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.worker import Replayer

from bff.commerce.fulfilment.messages import CancelOrderRequest, Ending
from bff.commerce.fulfilment.workflow import FulfilOrder
from bff.commerce.onboarding.activities import OnboardingActivities
from bff.commerce.onboarding.messages import OnboardingEnding, RegisterCustomerRequest
from bff.commerce.onboarding.workflow import TASK_QUEUE, OnboardCustomer
from bff.commerce.worker import create_onboarding_worker, create_worker
from matapalo.errors import Problem, UpstreamRejected
from matapalo.idempotency.claim import Claim
from matapalo.workflows.codec import converter
from tests.bff.commerce.fulfilment.conftest import activities
from tests.bff.commerce.fulfilment.harness import make_order, place
from tests.harness.accounts import FakeAccounts
from tests.harness.eventually import eventually
from tests.harness.ledger import Ledger

pytestmark = pytest.mark.stack

SECRET = "a secret for payloads, 32 characters"
RECORD = "fedcba9876543210" * 4


@pytest.fixture
async def encrypting(temporal_address: str) -> Client:
    return await Client.connect(temporal_address, data_converter=converter([SECRET]))


def leaky() -> Exception:
    """A service that repeats in its refusal what it was sent."""
    problem = Problem(status=409, slug="invalid-transition", title="no")
    return UpstreamRejected("no order for ana.secret@example.org", problem=problem)


async def test_an_order_is_unreadable_in_its_history_and_replays(
    encrypting: Client, temporal_address: str, ledger: Ledger
):
    ledger.always["confirm_order"] = leaky
    async with create_worker(encrypting, activities(ledger)):
        receipt, handle = await place(encrypting, make_order(payment_method_id="pm_4242424242424242"))
        assert await handle.result() is Ending.FAILED

    reader = await Client.connect(temporal_address)  # who has no secret
    history = await reader.get_workflow_handle(receipt.workflow_id).fetch_history()
    text = json.dumps(history.to_json_dict())
    raw = b"".join(event.SerializeToString() for event in history.events)
    for personal in ("pm_4242424242424242", "ana.secret", "1999", "EUR", "cust_0001"):
        assert personal not in text
        assert personal.encode() not in raw
    await Replayer(workflows=[FulfilOrder], data_converter=converter([SECRET])).replay_workflow(history)


async def test_updates_and_queries_work_encrypted(encrypting: Client, ledger: Ledger):
    async with create_worker(encrypting, activities(ledger)):
        _, handle = await place(encrypting, make_order())
        assert (await handle.query(FulfilOrder.progress)).events
        cancelled = await handle.execute_update(FulfilOrder.cancel, CancelOrderRequest("for Ana"), id="cancel")
        assert cancelled.status == "CANCELLED"
        assert b"for Ana" not in b"".join(e.SerializeToString() for e in (await handle.fetch_history()).events)


async def test_a_registration_is_unreadable_too(encrypting: Client, temporal_address: str):
    accounts = FakeAccounts()
    claim = Claim("registerCustomer", RECORD, fingerprint="of the input", attempt_id="request-1")
    request = RegisterCustomerRequest(claim, "Ana Secret", "ana.secret@example.org")
    activities = OnboardingActivities(accounts=accounts, mail=accounts, secrets=(SECRET,))
    async with create_onboarding_worker(encrypting, activities):
        handle = await encrypting.start_workflow(
            OnboardCustomer.run,
            request,
            id=f"registerCustomer:{RECORD}",
            task_queue=TASK_QUEUE,
            static_summary="Ana Secret registers",
            execution_timeout=timedelta(minutes=1),
        )
        await eventually(lambda: accounts.emails, message="an email")
        await handle.execute_update(OnboardCustomer.confirm, id="confirm")
        assert await handle.result() is OnboardingEnding.WELCOMED
    assert "Ana Secret" in accounts.emails[0].text
    reader = await Client.connect(temporal_address)
    stored = reader.get_workflow_handle(handle.id)
    raw = b"".join(event.SerializeToString() for event in (await stored.fetch_history()).events)
    raw += (await stored.describe()).raw_description.SerializeToString()
    assert b"Secret" not in raw
    assert b"ana.secret" not in raw
