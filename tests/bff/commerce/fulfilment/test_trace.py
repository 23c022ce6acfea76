"""Every call that is made for an order belongs to the trace of the request that placed it."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from bff.commerce.fulfilment.messages import OrderRef
from bff.commerce.fulfilment.services import RestServices
from matapalo.process.clock import SystemClock
from matapalo.rest.pool import create_pool
from matapalo.workflows.activity import IdempotentCall
from tests.bff.commerce.fulfilment.harness import make_order
from tests.harness.in_memory_bff import SETTINGS

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CALL = IdempotentCall("k", timeout=timedelta(seconds=2))


@pytest.mark.parametrize("traceparent", [TRACE, ""])
async def test_services_get_the_trace_of_the_order(traceparent: str):
    sent: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={"total": {"amount_minor": 1, "currency": "EUR"}})

    pool = create_pool(SETTINGS, SystemClock(), transport=httpx.MockTransport(respond))
    services = RestServices(pool, SystemClock())
    order = replace(make_order(), traceparent=traceparent)
    await services.create_order(order, CALL)
    await services.refund(OrderRef("ord_1", "cust_0001", traceparent), CALL)
    await pool.aclose()

    assert [request.headers.get("traceparent", "") for request in sent] == [traceparent, traceparent]
    assert {request.headers["x-user-id"] for request in sent} == {"cust_0001"}
