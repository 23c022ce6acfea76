"""`placeOrder` through the edge: one order, one durable workflow, finished by the warehouse."""

import uuid
from typing import Any

import httpx
import pytest

from tests.harness.eventually import eventually_sync
from tests.harness.platform import Platform

pytestmark = pytest.mark.stack

PLACE = """
mutation Place($input: PlaceOrderInput!) {
  placeOrder(input: $input) {
    __typename
    ... on OrderPlaced { replayed order { id status total { formatted } } workflow { id } }
    ... on OrderPending { orderId pollAfterMs }
    ... on OutOfStock { __typename }
    ... on PaymentDeclined { __typename }
  }
}
"""
CONFIRM = "mutation Confirm($id: ID!) { confirmWarehouse(orderId: $id) { __typename } }"


def place(platform: Platform, *, key: str, product: str = "prod_0007", method: str | None = None) -> Any:
    order = {"items": [{"productId": product, "quantity": 1}], "paymentMethodId": method}
    headers = platform.customer() | {"idempotency-key": key}
    return platform.graphql("web", {"query": PLACE, "variables": {"input": order}}, headers)


def placed(platform: Platform, key: str) -> Any:
    """Place an order; on a busy machine the first result may be pending, and the same key asks again."""

    def settled() -> Any:
        outcome = place(platform, key=key).data["placeOrder"]
        return outcome if outcome["__typename"] == "OrderPlaced" else None

    return eventually_sync(settled, deadline_s=30, message="the order is never more than pending")


def workflow_status(platform: Platform, workflow_id: str) -> str:
    """What the Temporal UI's own API says of a workflow."""
    url = f"{platform.url(8233)}/api/v1/namespaces/default/workflows/{workflow_id}"
    response = httpx.get(url, timeout=10, trust_env=False)
    assert response.status_code == 200, response.text
    return str(response.json()["workflowExecutionInfo"]["status"])


def test_an_order_is_a_workflow_that_the_warehouse_finishes(platform: Platform) -> None:
    outcome = placed(platform, str(uuid.uuid4()))
    order_id, workflow_id = outcome["order"]["id"], outcome["workflow"]["id"]

    assert outcome["order"]["status"] == "CONFIRMED"
    assert workflow_status(platform, workflow_id).endswith("RUNNING")

    refused = platform.graphql("web", {"query": CONFIRM, "variables": {"id": order_id}}, platform.customer())
    assert refused.codes == ["FORBIDDEN"]
    assert platform.graphql("web", {"query": CONFIRM, "variables": {"id": order_id}}, platform.staff("warehouse")).data

    eventually_sync(
        lambda: workflow_status(platform, workflow_id).endswith("COMPLETED"),
        deadline_s=30,
        message="the workflow does not finish after the warehouse confirmed",
    )
    query = {"query": "query($id: ID!) { order(id: $id) { status trackingUrl } }", "variables": {"id": order_id}}
    order = platform.graphql("web", query, platform.customer()).data["order"]
    assert order["status"] == "SHIPPED"
    assert order["trackingUrl"]


def test_the_same_key_is_the_same_order(platform: Platform) -> None:
    key = str(uuid.uuid4())
    first = placed(platform, key)
    again = placed(platform, key)

    assert again["order"]["id"] == first["order"]["id"]
    assert again["replayed"] is True


def test_the_same_key_with_other_content_is_a_conflict(platform: Platform) -> None:
    key = str(uuid.uuid4())
    placed(platform, key)

    assert place(platform, key=key, product="prod_0008").codes == ["IDEMPOTENCY_KEY_REUSED"]


def test_without_a_key_nothing_is_ordered(platform: Platform) -> None:
    order = {"items": [{"productId": "prod_0007", "quantity": 1}]}
    response = platform.graphql("web", {"query": PLACE, "variables": {"input": order}}, platform.customer())

    assert response.codes == ["IDEMPOTENCY_KEY_MISSING"]


@pytest.mark.parametrize(
    ("product", "method", "outcome"),
    [("prod_0500", None, "OutOfStock"), ("prod_0007", "pm_declined", "PaymentDeclined")],
)
def test_what_the_business_refuses_is_an_outcome_not_an_error(
    platform: Platform, product: str, method: str | None, outcome: str
) -> None:
    key = str(uuid.uuid4())

    def settled() -> Any:
        typename = place(platform, key=key, product=product, method=method).data["placeOrder"]["__typename"]
        return None if typename == "OrderPending" else typename

    assert eventually_sync(settled, deadline_s=30, message="the order is never more than pending") == outcome
