"""Which transport a pool has."""

import httpx
import msgspec
import pytest

from matapalo.rest.client import Listing
from matapalo.rest.httpx_transport import HttpxTransport
from matapalo.rest.pool import create_pool
from matapalo.rest.pyreqwest_transport import PyreqwestTransport
from tests.harness.clock import FakeClock
from tests.harness.in_memory_bff import SETTINGS


class Thing(msgspec.Struct):
    id: str


async def test_a_transport_of_httpx_takes_the_place_of_the_network():
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"items": [{"id": request.url.path}]}))
    pool = create_pool(SETTINGS, FakeClock(), transport=transport)
    things = await pool.client(headers={}, deadline_s=110.0).get("/api/orders", into=Listing[Thing])
    assert things.items == [Thing("/api/orders")]
    await pool.aclose()


@pytest.mark.parametrize(("setting", "transport"), [("pyreqwest", PyreqwestTransport), ("httpx", HttpxTransport)])
async def test_the_client_is_the_one_that_the_settings_name(setting, transport):
    pool = create_pool(SETTINGS.model_copy(update={"http_client": setting}), FakeClock())
    assert type(pool._transport) is transport
    await pool.aclose()
