"""The services as the workflow sees them: the ledger of the tests and the real ones have the same contract.

The real ones are those of the monolith, over HTTP; that the new services respond alike is tests/contract's business.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bff.commerce.fulfilment.messages import (
    Amount,
    CancelOrder,
    ChargeCustomer,
    ConfirmOrder,
    Line,
    MarkShipped,
    OrderRef,
    PlaceOrderRequest,
    ReserveStock,
)
from bff.commerce.fulfilment.ports import Services
from bff.commerce.fulfilment.services import RestServices
from matapalo.errors import UpstreamRejected
from matapalo.process.clock import SystemClock
from matapalo.rest.pool import RestPool, create_pool
from matapalo.settings import Settings
from matapalo.workflows.activity import IdempotentCall
from tests.bff.commerce.fulfilment.harness import make_order
from tests.harness.ledger import Ledger
from tests.harness.subgraphs import Rest

pytestmark = pytest.mark.stack


def client(url: str) -> RestPool:
    settings = Settings(
        environment="development",
        jwks_file=Path("jwks.json"),
        secrets=("a secret of at least 32 characters",),
        gateway_url=url,
    )
    return create_pool(settings, SystemClock())


@pytest.fixture(params=["ledger", "legacy"])
def service_url(request: pytest.FixtureRequest) -> str | None:
    """Where the monolith answers; None for the ledger, which needs no engine."""
    if request.param == "ledger":
        return None
    rest: Rest = request.getfixturevalue("rest")
    return rest.urls["legacy"]


@pytest.fixture
async def services(service_url: str | None) -> AsyncIterator[Services]:
    if service_url is None:
        yield Ledger()
        return
    pool = client(service_url)
    yield RestServices(pool, SystemClock())
    await pool.aclose()


def ref(order: PlaceOrderRequest) -> OrderRef:
    return OrderRef(order.order_id, order.customer_id)


def call(order: PlaceOrderRequest, step: str) -> IdempotentCall:
    return IdempotentCall(f"placeOrder:{order.order_id}:{step}", timeout=timedelta(seconds=5))


async def created(services: Services, order: PlaceOrderRequest) -> Amount:
    made = await services.create_order(order, call(order, "create_order"))
    assert made.total is not None
    return made.total


async def charge(services: Services, order: PlaceOrderRequest, amount: Amount, method: str | None = None):
    return await services.charge(ChargeCustomer(ref(order), amount, method), call(order, "charge_customer"))


async def test_an_order_goes_from_created_to_shipped(services: Services):
    order = make_order()
    total = await created(services, order)
    assert total.amount_minor > 0
    assert (await services.reserve_stock(ReserveStock(ref(order), order.lines), call(order, "r"))).shortages == ()
    paid = await charge(services, order, total)
    assert paid.payment_id
    await services.confirm_order(ConfirmOrder(ref(order), paid.payment_id), call(order, "confirm"))
    shipment = await services.create_shipment(ref(order), call(order, "shipment"))
    assert shipment.tracking_number
    await services.mark_shipped(MarkShipped(ref(order), shipment.shipment_id), call(order, "ship"))


async def test_a_repeat_gets_the_same_result(services: Services):
    order = make_order()
    total = await created(services, order)
    assert await created(services, order) == total
    assert await charge(services, order, total) == await charge(services, order, total)


async def test_an_unknown_product_is_named_by_its_field(services: Services):
    order = make_order(product="prod_none")
    made = await services.create_order(order, call(order, "create_order"))
    assert made.total is None
    assert [refusal.field for refusal in made.refusals] == ["items[0].product_id"]


async def test_a_shortage_says_what_is_available(services: Services):
    order = make_order(product="prod_0500")
    if not isinstance(services, Ledger):
        await created(services, order)
    reservation = await services.reserve_stock(ReserveStock(ref(order), order.lines), call(order, "r"))
    (short,) = reservation.shortages
    assert (short.product_id, short.requested, short.available) == ("prod_0500", 2, 0)


async def test_a_declined_card_is_a_result_with_a_reason(services: Services):
    order = make_order()
    declined = await charge(services, order, await created(services, order), "pm_declined")
    assert declined.payment_id is None
    assert declined.declined


async def test_compensating_what_was_never_done_is_fine(services: Services):
    order = make_order()
    await services.refund(ref(order), call(order, "refund"))
    await services.release_stock(ref(order), call(order, "release"))
    await services.cancel_order(CancelOrder(ref(order), "never there"), call(order, "cancel"))


async def test_compensating_what_was_done_is_fine(services: Services):
    order = make_order()
    total = await created(services, order)
    await services.reserve_stock(ReserveStock(ref(order), order.lines), call(order, "r"))
    await charge(services, order, total)
    await services.refund(ref(order), call(order, "refund"))
    await services.release_stock(ref(order), call(order, "release"))
    await services.cancel_order(CancelOrder(ref(order), "not wanted"), call(order, "cancel"))


async def test_a_step_that_is_overtaken_by_its_compensation_is_refused(services: Services):
    order = make_order()
    total = await created(services, order)
    await services.refund(ref(order), call(order, "refund"))
    await services.release_stock(ref(order), call(order, "release"))
    with pytest.raises(UpstreamRejected):
        await charge(services, order, total)
    with pytest.raises(UpstreamRejected):
        await services.reserve_stock(ReserveStock(ref(order), order.lines), call(order, "r"))


async def test_a_creation_after_its_compensation_is_refused(services: Services):
    order = make_order()
    await services.cancel_order(CancelOrder(ref(order), "not wanted"), call(order, "cancel"))
    with pytest.raises(UpstreamRejected):
        await created(services, order)


async def test_the_customer_has_an_email_address(services: Services):
    contact = await services.contact(ref(make_order()), timedelta(seconds=5))
    assert contact.name
    assert "@" in contact.email


async def test_a_write_that_is_no_step_of_the_order_is_refused(rest: Rest):
    pool = client(rest.urls["legacy"])
    services, order = RestServices(pool, SystemClock()), make_order()
    await created(services, order)
    with pytest.raises(UpstreamRejected):
        await services.mark_shipped(MarkShipped(ref(order), "shp_1"), call(order, "ship"))
    with pytest.raises(UpstreamRejected):  # the same key with other content
        await services.create_order(replace(order, lines=(Line("prod_0002", 1),)), call(order, "create_order"))
    await pool.aclose()


async def test_a_charge_whose_connection_breaks_is_charged_once(rest: Rest):
    pool = client(rest.urls["legacy"])
    services, order = RestServices(pool, SystemClock()), make_order()
    total = await created(services, order)
    with pytest.raises(Exception, match="payments"):
        await charge(services, order, total, "pm_timeout")
    assert (await charge(services, order, total, "pm_timeout")).payment_id
    listed = rest.request("legacy", "GET", f"/api/payments?order_ids={order.order_id}", role="service").json()
    assert len(listed["items"]) == 1
    await pool.aclose()
