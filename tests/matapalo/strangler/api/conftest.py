"""A client of a table at version 7: the orders are at 25 %, version 1."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest_asyncio

from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.route import Audience, Side
from tests.matapalo.strangler.api.harness import Client
from tests.matapalo.strangler.builders import a_route
from tests.matapalo.strangler.harness import Harness


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    orders = a_route(share_bp=2_500, writes=Side.LEGACY, audience=Audience.OWNER)
    harness = Harness(RoutesDocument(7, (orders, a_route("customers", seed=3))))
    harness.report_node()
    await harness.hits.begin(harness.clock.now() - timedelta(days=30))
    async with harness.client() as http:
        yield Client(harness, http)
