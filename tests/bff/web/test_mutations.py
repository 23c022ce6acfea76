"""The web's mutations on orders and the progress of an order, over workflows in memory."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from graphql import GraphQLError

from bff.commerce.fulfilment.messages import OrderEvent, OrderStep, OrderStepState, Outcome, Refusal, Shortage
from bff.commerce.fulfilment.ports import CancelResult, OrderWorkflows
from bff.commerce.fulfilment.progress import ProgressReader
from bff.commerce.fulfilment.temporal import TemporalOrders
from matapalo.auth.viewer import Viewer
from matapalo.errors import BffError
from matapalo.process.clock import SystemClock
from matapalo.rest.pool import create_pool
from matapalo.workflows.client import Workflows
from tests.harness.in_memory_bff import ANONYMOUS, CUSTOMER, OPERATOR, SETTINGS, Result, code_of, execute, make_context
from tests.harness.ports import free_port
from tests.harness.upstream import FakeUpstream
from tests.harness.workflows import InstantWorkflows

WAREHOUSE = Viewer(subject="wh_1", tier="free", role="warehouse")
PLACE = """
mutation Place($input: PlaceOrderInput!) {
  placeOrder(input: $input) {
    __typename
    ... on OrderPlaced { replayed order { id status } workflow { id runId startedAt } }
    ... on OrderPending { orderId pollAfterMs }
    ... on OutOfStock { shortages { productId requested available product { name } } }
    ... on PaymentDeclined { reason }
  }
}
"""
CONFIRM = """
mutation Confirm($id: ID!) {
  confirmWarehouse(orderId: $id) {
    __typename
    ... on WarehouseConfirmed { orderId }
    ... on OrderNotWaiting { orderId }
  }
}
"""
PROGRESS = "subscription ($id: ID!, $after: String) { orderProgress(orderId: $id, after: $after) { id step state } }"


def an_input(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"input": {"items": list(items) or [{"productId": "prod_0001", "quantity": 2}], **more}}


def extensions_of(error: GraphQLError) -> dict[str, Any]:
    """The extensions of an error."""
    assert isinstance(error.original_error, BffError)
    return error.original_error.extensions()


async def place(schema: Any, workflows: OrderWorkflows, variables: Any = None, **options: Any) -> Result:
    options.setdefault("idempotency_key", "key-1")
    return await execute(
        schema, PLACE, FakeUpstream(), variables=variables or an_input(), workflows=workflows, **options
    )


async def test_an_order_is_placed_once_and_its_repeat_says_so(schema):
    workflows = InstantWorkflows()
    first = await place(schema, workflows)
    again = await place(schema, workflows)
    assert first.errors == again.errors == []
    placed = first.data["placeOrder"]
    assert placed["__typename"] == "OrderPlaced"
    assert placed["order"] == {"id": "ord_00001", "status": "PENDING"}
    assert placed["workflow"]["id"] == "placeOrder:1"
    assert placed["replayed"] is False
    assert again.data["placeOrder"] == placed | {"replayed": True}


async def test_what_the_business_refuses_is_a_member_of_the_payload(schema):
    short = InstantWorkflows(outcome=Outcome.OUT_OF_STOCK, shortages=(Shortage("prod_0001", 2, 1),))
    assert (await place(schema, short)).data["placeOrder"] == {
        "__typename": "OutOfStock",
        "shortages": [
            {"productId": "prod_0001", "requested": 2, "available": 1, "product": {"name": "Product 1"}},
        ],
    }
    declined = InstantWorkflows(outcome=Outcome.PAYMENT_DECLINED, reason="the card has expired")
    assert (await place(schema, declined)).data["placeOrder"] == {
        "__typename": "PaymentDeclined",
        "reason": "the card has expired",
    }


async def test_an_order_that_is_not_decided_in_time_is_pending(schema):
    result = await place(schema, InstantWorkflows(pending=True))
    assert result.data["placeOrder"] == {"__typename": "OrderPending", "orderId": "ord_00001", "pollAfterMs": 1000}


async def test_the_same_key_with_other_input_is_refused(schema):
    workflows = InstantWorkflows()
    await place(schema, workflows)
    other = await place(schema, workflows, an_input({"productId": "prod_0002", "quantity": 1}))
    assert [code_of(error) for error in other.errors] == ["IDEMPOTENCY_KEY_REUSED"]


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "IDEMPOTENCY_KEY_MISSING"),
        ("", "IDEMPOTENCY_KEY_INVALID"),
        ('""', "IDEMPOTENCY_KEY_INVALID"),
        ("two words", "IDEMPOTENCY_KEY_INVALID"),
        ("naïve", "IDEMPOTENCY_KEY_INVALID"),
        ("k" * 256, "IDEMPOTENCY_KEY_INVALID"),
    ],
)
async def test_without_a_good_key_nothing_is_ordered(schema, key, code):
    workflows = InstantWorkflows()
    result = await place(schema, workflows, idempotency_key=key)
    assert [code_of(error) for error in result.errors] == [code]
    assert workflows.requests == []


async def test_a_key_in_quotes_is_the_same_key(schema):
    workflows = InstantWorkflows()
    await place(schema, workflows, idempotency_key='"key-1"')
    assert (await place(schema, workflows)).data["placeOrder"]["replayed"] is True


@pytest.mark.parametrize(
    ("viewer", "code"), [(ANONYMOUS, "UNAUTHENTICATED"), (WAREHOUSE, "FORBIDDEN"), (OPERATOR, "FORBIDDEN")]
)
async def test_only_customers_order(schema, viewer, code):
    workflows = InstantWorkflows()
    result = await place(schema, workflows, viewer=viewer)
    assert [code_of(error) for error in result.errors] == [code]
    assert workflows.requests == []


ONE = {"productId": "prod_0001", "quantity": 1}


@pytest.mark.parametrize(
    ("variables", "field"),
    [
        ({"input": {"items": []}}, "input.items"),
        (an_input(*({"productId": f"prod_{n:04}", "quantity": 1} for n in range(51))), "input.items"),
        (an_input({"productId": "prod_0001", "quantity": 0}), "input.items[0].quantity"),
        (an_input(ONE, {"productId": "prod_0002", "quantity": 100}), "input.items[1].quantity"),
        (an_input(ONE, {"productId": "../admin", "quantity": 1}), "input.items[1].productId"),
        (an_input(ONE, {"productId": "prod_0002", "quantity": 1}, ONE), "input.items[2].productId"),
        (an_input(paymentMethodId=""), "input.paymentMethodId"),
        (an_input(paymentMethodId="a b"), "input.paymentMethodId"),
    ],
)
async def test_bad_input_is_refused_by_field_and_starts_nothing(schema, variables, field):
    workflows = InstantWorkflows()
    result = await place(schema, workflows, variables)
    (error,) = result.errors
    assert code_of(error) == "BAD_USER_INPUT"
    assert extensions_of(error)["field"] == field
    assert field in error.message
    assert workflows.requests == []


async def test_a_refusal_of_the_service_names_the_field_of_the_input(schema):
    unknown = InstantWorkflows(
        outcome=Outcome.INVALID, refusals=(Refusal("items[0].product_id", "there is no product prod_9"),)
    )
    (error,) = (await place(schema, unknown)).errors
    assert code_of(error) == "BAD_USER_INPUT"
    assert extensions_of(error)["field"] == "input.items[0].productId"


async def test_a_failed_order_says_that_a_new_key_is_needed(schema):
    (error,) = (await place(schema, InstantWorkflows(outcome=Outcome.FAILED, reason="no luck"))).errors
    assert code_of(error) == "UPSTREAM_UNAVAILABLE"
    assert "new Idempotency-Key" in error.message
    assert extensions_of(error)["retryable"] is False


async def test_without_workflows_reads_work_and_orders_do_not(schema):
    result = await execute(schema, PLACE, FakeUpstream(), variables=an_input(), idempotency_key="key-1")
    assert [code_of(error) for error in result.errors] == ["WORKFLOWS_UNAVAILABLE"]
    read = await execute(schema, '{ order(id: "ord_00001") { id fulfilment { status } } }', FakeUpstream())
    assert read.data == {"order": {"id": "ord_00001", "fulfilment": None}}


async def test_the_warehouse_confirms_orders_that_wait(schema):
    workflows = InstantWorkflows(waiting={"ord_00001"})

    async def confirm(order_id: str, viewer: Viewer = WAREHOUSE) -> Result:
        return await execute(
            schema, CONFIRM, FakeUpstream(), variables={"id": order_id}, viewer=viewer, workflows=workflows
        )

    assert (await confirm("ord_00001")).data["confirmWarehouse"] == {
        "__typename": "WarehouseConfirmed",
        "orderId": "ord_00001",
    }
    assert (await confirm("ord_00002")).data["confirmWarehouse"]["__typename"] == "OrderNotWaiting"
    for viewer, code in ((CUSTOMER, "FORBIDDEN"), (OPERATOR, "FORBIDDEN"), (ANONYMOUS, "UNAUTHENTICATED")):
        assert [code_of(error) for error in (await confirm("ord_00001", viewer)).errors] == [code]


def an_event(number: int, step: OrderStep) -> OrderEvent:
    return OrderEvent(number, step, OrderStepState.DONE, datetime(2026, 1, 2, tzinfo=UTC))


async def followed(schema: Any, order_id: str, viewer: Viewer = CUSTOMER, after: str | None = None) -> list[Any]:
    history = (an_event(1, OrderStep.CREATE), an_event(2, OrderStep.FINISH))
    pool = create_pool(SETTINGS, SystemClock(), transport=FakeUpstream())
    context = make_context(pool, viewer, workflows=InstantWorkflows(history=history))
    variables = {"id": order_id, "after": after}
    result = await schema.subscribe(PROGRESS, variables, context_value=context)
    results = [each async for each in result]
    await pool.aclose()
    return [each.data["orderProgress"] if each.data else code_of(each.errors[0]) for each in results]


async def test_an_order_of_the_viewer_is_followed_to_its_end(schema):
    first = {"id": "1-0", "step": "CREATE", "state": "DONE"}
    last = {"id": "2-0", "step": "FINISH", "state": "DONE"}
    assert await followed(schema, "ord_00001") == [first, last]
    assert await followed(schema, "ord_00001", after="1-0") == [last]


async def test_a_foreign_order_cannot_be_followed(schema):
    assert await followed(schema, "ord_99999") == ["NOT_FOUND"]
    assert await followed(schema, "ord_00013") == ["NOT_FOUND"]
    assert await followed(schema, "ord_00001", viewer=ANONYMOUS) == ["UNAUTHENTICATED"]


CANCEL = """
mutation Cancel($id: ID!, $reason: String) {
  cancelOrder(orderId: $id, reason: $reason) {
    __typename
    ... on OrderCancelled { order { id status } }
    ... on CancellationPending { orderId }
    ... on OrderNotCancellable { reason order { status } }
  }
}
"""


async def cancel(schema: Any, workflows: InstantWorkflows, upstream: FakeUpstream, order: str, **more: Any) -> Result:
    reason = more.pop("reason", None)
    return await execute(
        schema, CANCEL, upstream, variables={"id": order, "reason": reason}, workflows=workflows, **more
    )


def in_status(upstream: FakeUpstream, status: str) -> str:
    """An order of the viewer's."""
    mine = (row for row in upstream.orders.values() if row["customer_id"] == "cust_0001" and row["status"] == status)
    return str(next(mine)["id"])


@pytest.mark.parametrize(
    ("status", "cancelled", "outcome"),
    [
        ("CANCELLED", CancelResult.CANCELLED, "OrderCancelled"),
        ("CANCELLED", CancelResult.NOT_RUNNING, "OrderCancelled"),
        ("CONFIRMED", CancelResult.UNDER_WAY, "CancellationPending"),
        ("SHIPPED", CancelResult.WITH_THE_CARRIER, "OrderNotCancellable"),
        ("DELIVERED", CancelResult.NOT_RUNNING, "OrderNotCancellable"),
    ],
)
async def test_the_outcome_of_a_cancellation_is_a_payload_member(schema, status, cancelled, outcome):
    upstream = FakeUpstream()
    result = await cancel(schema, InstantWorkflows(cancels=cancelled), upstream, in_status(upstream, status))
    assert result.errors == []
    assert result.data["cancelOrder"]["__typename"] == outcome


async def test_an_order_can_be_cancelled_before_it_is_created(schema):
    workflows = InstantWorkflows(cancels=CancelResult.UNDER_WAY, owners={"ord_0123456789abcdef": "cust_0001"})
    result = await cancel(schema, workflows, FakeUpstream(), "ord_0123456789abcdef")
    assert result.data["cancelOrder"] == {"__typename": "CancellationPending", "orderId": "ord_0123456789abcdef"}
    theirs = InstantWorkflows(cancels=CancelResult.UNDER_WAY, owners={"ord_0123456789abcdef": "cust_0002"})
    result = await cancel(schema, theirs, FakeUpstream(), "ord_0123456789abcdef")
    assert [code_of(error) for error in result.errors] == ["NOT_FOUND"]


async def test_a_reason_is_one_line_of_text(schema):
    upstream = FakeUpstream()
    for reason in ("", "two\nlines", "x" * 201):
        result = await cancel(schema, InstantWorkflows(), upstream, in_status(upstream, "CONFIRMED"), reason=reason)
        assert [code_of(error) for error in result.errors] == ["BAD_USER_INPUT"]


async def test_the_warehouse_cancels_nothing(schema):
    result = await cancel(schema, InstantWorkflows(), FakeUpstream(), "ord_1", viewer=WAREHOUSE)
    assert [code_of(error) for error in result.errors] == ["FORBIDDEN"]


async def test_a_reorder_holds_what_the_order_held(schema):
    upstream, workflows = FakeUpstream(), InstantWorkflows()
    order = in_status(upstream, "DELIVERED")
    query = "mutation($id: ID!) { reorder(orderId: $id) { __typename } }"
    result = await execute(
        schema, query, upstream, variables={"id": order}, workflows=workflows, idempotency_key="again"
    )
    assert result.data["reorder"]["__typename"] == "OrderPlaced"
    (request,) = workflows.requests
    assert request.claim.field == "reorder"
    held = {line["product_id"]: line["quantity"] for line in upstream.orders[order]["items"]}
    assert {line.product_id: line.quantity for line in request.lines} == held


REGISTER = "mutation($input: RegisterCustomerInput!) { registerCustomer(input: $input) { __typename } }"


@pytest.mark.parametrize(
    ("name", "email", "field"),
    [
        ("", "ana@example.org", "input.name"),
        ("A\nna", "ana@example.org", "input.name"),
        ("Ana", "nobody", "input.email"),
        ("Ana", "ana@localhost", "input.email"),
        ("Ana", "ana@example.org\r\nBcc: all@example.org", "input.email"),
    ],
)
async def test_a_registration_names_the_field_that_is_wrong(schema, name, email, field):
    variables = {"input": {"name": name, "email": email}}
    result = await execute(
        schema, REGISTER, FakeUpstream(), viewer=ANONYMOUS, variables=variables, idempotency_key="k",
        workflows=InstantWorkflows(),
    )  # fmt: skip
    assert extensions_of(result.errors[0])["field"] == field


async def test_a_registration_is_identified_by_its_normalised_address(schema):
    workflows = InstantWorkflows()
    for email in ("Ana@Example.org", " ana@example.org"):
        variables = {"input": {"name": "Ana", "email": email}}
        result = await execute(
            schema, REGISTER, FakeUpstream(), viewer=ANONYMOUS, variables=variables, idempotency_key="k",
            workflows=workflows,
        )  # fmt: skip
        assert result.data["registerCustomer"]["__typename"] == "RegistrationReceived"
    assert {request.email for request in workflows.registrations} == {"ana@example.org"}
    assert len({request.claim.record_id for request in workflows.registrations}) == 1


async def test_without_temporal_mutations_fail_at_once_and_reads_work(schema):
    workflows = Workflows(address=f"127.0.0.1:{free_port()}", namespace="default")
    orders = TemporalOrders(workflows=workflows, progress=ProgressReader(f"redis://127.0.0.1:{free_port()}/0"))
    async with asyncio.timeout(1.5):
        result = await execute(
            schema, PLACE, FakeUpstream(), variables=an_input(), workflows=orders, idempotency_key="k"
        )
        assert [code_of(error) for error in result.errors] == ["WORKFLOWS_UNAVAILABLE"]
        assert extensions_of(result.errors[0])["retryAfter"] == 1.0
        query = "{ orders(first: 1) { nodes { id status } } }"
        assert (await execute(schema, query, FakeUpstream(), workflows=orders)).errors == []
    await orders.aclose()
