"""The app's way to order and to follow: the web's rules, fewer fields."""

import pytest
import strawberry

from bff.commerce.fulfilment.messages import Outcome, Shortage
from bff.mobile.schema import build_schema
from tests.harness.in_memory_bff import code_of, execute
from tests.harness.upstream import FakeUpstream
from tests.harness.workflows import InstantWorkflows

PLACE = """
mutation Place($input: PlaceOrderInput!) {
  placeOrder(input: $input) {
    __typename
    ... on OrderPlaced { replayed order { id total } }
    ... on OutOfStock { shortages { productId available } }
  }
}
"""
INPUT = {"input": {"items": [{"productId": "prod_0001", "quantity": 2}]}}


@pytest.fixture(scope="module")
def schema() -> strawberry.Schema:
    return build_schema()


async def test_an_order_is_placed_under_a_key_of_the_app(schema):
    workflows = InstantWorkflows()
    result = await execute(schema, PLACE, FakeUpstream(), variables=INPUT, workflows=workflows, idempotency_key="k")
    assert result.errors == []
    assert result.data["placeOrder"]["order"]["id"] == "ord_00001"
    assert [request.claim.field for request in workflows.requests] == ["placeOrder"]


async def test_shortages_are_shown_without_the_product(schema):
    workflows = InstantWorkflows(outcome=Outcome.OUT_OF_STOCK, shortages=(Shortage("prod_0001", 2, 0),))
    upstream = FakeUpstream()
    result = await execute(schema, PLACE, upstream, variables=INPUT, workflows=workflows, idempotency_key="k")
    assert result.data["placeOrder"]["shortages"] == [{"productId": "prod_0001", "available": 0}]
    assert upstream.calls == []


async def test_the_app_needs_a_key_too(schema):
    result = await execute(schema, PLACE, FakeUpstream(), variables=INPUT, workflows=InstantWorkflows())
    assert [code_of(error) for error in result.errors] == ["IDEMPOTENCY_KEY_MISSING"]
