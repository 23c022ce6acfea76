"""The services as the workflow sees them: the ledger of the tests and the real ones keep the same contract.

The real ones are those of the monolith, over HTTP; that the new services answer alike is tests/contract's business.
"""

import uuid
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
    PlaceOrder,
    ReserveStock,
)
from bff.commerce.fulfilment.ports import Services
from bff.commerce.fulfilment.services import RestServices
from matapalo.errors import UpstreamRejected
from matapalo.process.clock import SystemClock
from matapalo.rest.pool import RestPool, create_pool
from matapalo.settings import Settings
from matapalo.workflows.attempts import Once
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


def an_order(product: str = "prod_0001") -> PlaceOrder:
    return PlaceOrder(
        order_id=f"ord_{uuid.uuid4().hex[:16]}",
        customer_id="cust_0001",
        lines=(Line(product, 2),),
        payment_method_id=None,
        request_hash="",
        attempt_id="",
    )


def ref(order: PlaceOrder) -> OrderRef:
    return OrderRef(order.order_id, order.customer_id)


def once(order: PlaceOrder, step: str) -> Once:
    return Once(key=f"placeOrder:{order.order_id}:{step}", timeout=timedelta(seconds=5))


async def created(services: Services, order: PlaceOrder) -> Amount:
    made = await services.create_order(order, once(order, "create_order"))
    assert made.total is not None
    return made.total


async def charge(services: Services, order: PlaceOrder, amount: Amount, method: str | None = None):
    wanted = ChargeCustomer(ref(order), amount, method)
    return await services.charge(wanted, once(order, "charge_customer"))


async def test_an_order_goes_from_created_to_shipped(services: Services):
    order = an_order()
    total = await created(services, order)
    assert total.amount_minor > 0
    assert (await services.reserve_stock(ReserveStock(ref(order), order.lines), once(order, "r"))).shortages == ()
    paid = await charge(services, order, total)
    assert paid.payment_id
    await services.confirm_order(ConfirmOrder(ref(order), paid.payment_id), once(order, "confirm"))
    shipment = await services.create_shipment(ref(order), once(order, "shipment"))
    assert shipment.tracking_number
    await services.mark_shipped(MarkShipped(ref(order), shipment.shipment_id), once(order, "ship"))


async def test_a_repeat_is_the_same_answer(services: Services):
    order = an_order()
    total = await created(services, order)
    assert await created(services, order) == total
    assert await charge(services, order, total) == await charge(services, order, total)


async def test_an_unknown_product_is_named_by_its_field(services: Services):
    order = an_order("prod_none")
    made = await services.create_order(order, once(order, "create_order"))
    assert made.total is None
    assert [refusal.field for refusal in made.refusals] == ["items[0].product_id"]


async def test_what_is_short_is_said_with_what_there_is(services: Services):
    order = an_order("prod_0500")
    if not isinstance(services, Ledger):
        await created(services, order)
    found = await services.reserve_stock(ReserveStock(ref(order), order.lines), once(order, "r"))
    (short,) = found.shortages
    assert (short.product_id, short.requested, short.available) == ("prod_0500", 2, 0)


async def test_a_declined_card_is_an_answer_with_a_reason(services: Services):
    order = an_order()
    declined = await charge(services, order, await created(services, order), "pm_declined")
    assert declined.payment_id is None
    assert declined.declined


async def test_undoing_what_was_never_done_is_fine(services: Services):
    order = an_order()
    await services.refund(ref(order), once(order, "refund"))
    await services.release_stock(ref(order), once(order, "release"))
    await services.cancel_order(CancelOrder(ref(order), "never there"), once(order, "cancel"))


async def test_undoing_what_was_done_is_fine(services: Services):
    order = an_order()
    total = await created(services, order)
    await services.reserve_stock(ReserveStock(ref(order), order.lines), once(order, "r"))
    await charge(services, order, total)
    await services.refund(ref(order), once(order, "refund"))
    await services.release_stock(ref(order), once(order, "release"))
    await services.cancel_order(CancelOrder(ref(order), "not wanted"), once(order, "cancel"))


async def test_a_step_that_is_overtaken_by_its_compensation_is_refused(services: Services):
    order = an_order()
    total = await created(services, order)
    await services.refund(ref(order), once(order, "refund"))
    await services.release_stock(ref(order), once(order, "release"))
    with pytest.raises(UpstreamRejected):
        await charge(services, order, total)
    with pytest.raises(UpstreamRejected):
        await services.reserve_stock(ReserveStock(ref(order), order.lines), once(order, "r"))


async def test_an_order_that_is_created_after_it_was_undone_is_refused(services: Services):
    order = an_order()
    await services.cancel_order(CancelOrder(ref(order), "not wanted"), once(order, "cancel"))
    with pytest.raises(UpstreamRejected):
        await created(services, order)


async def test_the_customer_can_be_written_to(services: Services):
    contact = await services.contact(ref(an_order()), timedelta(seconds=5))
    assert contact.name
    assert "@" in contact.email


async def test_a_write_that_is_no_step_of_the_order_is_refused(rest: Rest):
    pool = client(rest.urls["legacy"])
    services, order = RestServices(pool, SystemClock()), an_order()
    await created(services, order)
    with pytest.raises(UpstreamRejected):
        await services.mark_shipped(MarkShipped(ref(order), "shp_1"), once(order, "ship"))
    with pytest.raises(UpstreamRejected):  # the same key with other content
        await services.create_order(replace(order, lines=(Line("prod_0002", 1),)), once(order, "create_order"))
    await pool.aclose()


async def test_a_charge_whose_connection_breaks_is_charged_once(rest: Rest):
    pool = client(rest.urls["legacy"])
    services, order = RestServices(pool, SystemClock()), an_order()
    total = await created(services, order)
    with pytest.raises(Exception, match="payments"):
        await charge(services, order, total, "pm_timeout")
    assert (await charge(services, order, total, "pm_timeout")).payment_id
    listed = rest.request("legacy", "GET", f"/api/payments?order_ids={order.order_id}", role="service").json()
    assert len(listed["items"]) == 1
    await pool.aclose()
