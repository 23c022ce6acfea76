"""A list without a size is reported when the schema is built, not when a client selects a million of them."""

import pytest
import strawberry

from matapalo.ratelimit.cost.directives import ListSize, sized
from matapalo.ratelimit.cost.operations import Costs
from matapalo.ratelimit.cost.weights import CostsMissing


@strawberry.type
class Thing:
    name: str


@strawberry.type
class Things:
    nodes: list[Thing]


def flaws(**fields: object) -> list[str]:
    """What is wrong with a query type of these fields."""
    query = strawberry.type(type("Query", (), {"__annotations__": dict.fromkeys(fields, object), **fields}))
    try:
        Costs(strawberry.Schema(query=query))
    except CostsMissing as error:
        return list(error.flaws)
    return []


def field(graphql_type: object, *directives: object) -> object:
    def resolve(first: int | None = None) -> None:
        return None

    return strawberry.field(resolver=resolve, graphql_type=graphql_type, directives=directives)


def test_a_list_of_objects_needs_a_size() -> None:
    assert flaws(things=field(list[Thing])) == ["Query.things is a list of Thing without a size: give it @listSize"]
    assert flaws(things=field(list[Thing], sized(3))) == []


def test_every_field_that_returns_a_connection_sizes_its_lists() -> None:
    page = sized(3, by=["first"], fields=["nodes"])
    assert flaws(a=field(Things, page), b=field(Things, page)) == []
    assert flaws(a=field(Things, page), b=field(Things)) == [
        "Things.nodes is a list of Thing without a size: give it @listSize, or name it in the sizedFields of Query.b"
    ]


def test_a_list_of_free_scalars_needs_none() -> None:
    assert flaws(names=field(list[str])) == []


@pytest.mark.parametrize(
    ("directive", "said"),
    [
        (ListSize(slicing_arguments=["last"]), "names the argument 'last', which the field does not have"),
        (ListSize(assumed_size=3, sized_fields=["edges"]), "sizes Thing.edges, which is no list"),
        (ListSize(slicing_arguments=["first"], require_one_slicing_argument=False), "needs assumedSize"),
    ],
)
def test_a_size_that_cannot_be_is_rejected(directive: ListSize, said: str) -> None:
    assert any(said in flaw for flaw in flaws(things=field(list[Thing], directive)))
