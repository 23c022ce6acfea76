"""The web schema as a subgraph: entities by reference, one load for all, each failing alone."""

import copy
from typing import Any

from bff.web.schema import ENTITIES
from matapalo.execution.check import check
from tests.harness.in_memory_bff import ANONYMOUS, OPERATOR, code_of, execute
from tests.harness.upstream import FakeUpstream

ENTITIES_QUERY = """query ($representations: [_Any!]!) {
  _entities(representations: $representations) {
    __typename
    ... on Product { id name }
    ... on Customer { id email }
    ... on Order { id customer { id } }
  }
}"""


async def entities(schema: Any, representations: list[Any], upstream: FakeUpstream, viewer: Any = OPERATOR) -> Any:
    return await execute(
        schema, ENTITIES_QUERY, upstream, viewer=viewer, variables={"representations": representations}
    )


def test_every_type_with_a_key_can_be_loaded(schema):
    check(schema)
    union = schema._schema.type_map["_Entity"]
    assert {type_.name for type_ in union.types} == set(ENTITIES)


async def test_a_hundred_representations_are_one_call(schema):
    upstream = FakeUpstream()
    ids = [f"prod_{number % 60 + 1:04}" for number in range(100)]
    result = await entities(schema, [{"__typename": "Product", "id": id_} for id_ in ids], upstream)
    assert result.errors == []
    assert [found["id"] for found in result.data["_entities"]] == ids
    assert upstream.counts() == {"/api/products": 1}


async def test_entities_of_several_types_come_back_in_order(schema):
    upstream = FakeUpstream()
    references = [("Product", "prod_0001"), ("Customer", "cust_0002"), ("Order", "ord_00013"), ("Product", "prod_0002")]
    result = await entities(schema, [{"__typename": name, "id": id_} for name, id_ in references], upstream)
    assert result.errors == []
    assert result.data["_entities"] == [
        {"__typename": "Product", "id": "prod_0001", "name": "Product 1"},
        {"__typename": "Customer", "id": "cust_0002", "email": "customer2@example.com"},
        {"__typename": "Order", "id": "ord_00013", "customer": {"id": "cust_0002"}},
        {"__typename": "Product", "id": "prod_0002", "name": "Product 2"},
    ]
    assert upstream.counts() == {"/api/products": 1, "/api/customers": 1, "/api/orders": 1}


async def test_a_bad_representation_nulls_only_itself(schema):
    bad: list[Any] = [
        {"id": "prod_0001"},
        {"__typename": "Nope", "id": "1"},
        {"__typename": "Money", "id": "1"},
        {"__typename": ["Product"], "id": "1"},
        {"__typename": "Product", "id": 7},
        {"__typename": "Product"},
        "text",
        7,
        [1],
    ]
    good = {"__typename": "Product", "id": "prod_0001"}
    result = await entities(schema, [good, *bad, good], FakeUpstream())
    resolved = result.data["_entities"]
    assert (resolved[0]["id"], resolved[-1]["id"]) == ("prod_0001", "prod_0001")
    assert resolved[1:-1] == [None] * len(bad)
    errors = sorted(result.errors, key=lambda error: str(error.path))
    assert [error.path for error in errors] == [["_entities", index] for index in range(1, len(bad) + 1)]
    assert {code_of(error) for error in errors} == {"BAD_USER_INPUT"}
    assert errors[0].message == "representations[1] names no entity of this subgraph (Customer, Order, Product)"
    assert errors[4].message == "representations[5] needs a string as id"
    assert errors[6].message == "representations[7] is no object"


async def test_an_entity_that_does_not_exist_is_null_without_an_error(schema):
    result = await entities(schema, [{"__typename": "Product", "id": "prod_9999"}], FakeUpstream())
    assert (result.data, result.errors) == ({"_entities": [None]}, [])


async def test_a_service_that_is_gone_nulls_its_entities_only(schema):
    upstream = FakeUpstream()
    upstream.fail("customers")
    references = [{"__typename": "Customer", "id": "cust_0001"}, {"__typename": "Product", "id": "prod_0001"}]
    result = await entities(schema, references, upstream)
    assert [found and found["__typename"] for found in result.data["_entities"]] == [None, "Product"]
    assert [code_of(error) for error in result.errors] == ["UPSTREAM_UNAVAILABLE"]


async def test_what_belongs_to_somebody_needs_a_viewer_here_too(schema):
    references = [{"__typename": "Order", "id": "ord_00001"}, {"__typename": "Product", "id": "prod_0001"}]
    result = await entities(schema, references, FakeUpstream(), viewer=ANONYMOUS)
    assert [found and found["__typename"] for found in result.data["_entities"]] == [None, "Product"]
    assert [code_of(error) for error in result.errors] == ["UNAUTHENTICATED"]


async def test_the_callers_variables_stay_as_they_were(schema):
    representations: list[Any] = [{"__typename": "Product", "id": "prod_0001"}, {"__typename": "Nope"}]
    before = copy.deepcopy(representations)
    await entities(schema, representations, FakeUpstream())
    assert representations == before


async def test_the_service_describes_itself(schema):
    result = await execute(schema, "{ _service { sdl } }", FakeUpstream(), viewer=ANONYMOUS)
    assert 'type Product @key(fields: "id")' in result.data["_service"]["sdl"]
