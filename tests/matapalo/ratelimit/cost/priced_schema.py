"""A schema with every shape that costs have to understand: connections, nested lists, unions, interfaces, weights."""

from functools import cache
from typing import Annotated, Any

import strawberry

from matapalo.operations.document import Documents
from matapalo.operations.limits import DocumentLimits
from matapalo.ratelimit.cost.directives import Cost, ListSize, sized
from matapalo.ratelimit.cost.operations import Costs, OperationCost

PAGE = sized(10, by=["first", "last"], fields=["edges", "nodes"])
STRICT = ListSize(slicing_arguments=["first", "last"], sized_fields=["edges", "nodes"])


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Leaf(Named):
    price: int = strawberry.field(directives=[Cost(weight=3)])
    marks: list[int]


def _by_ids(ids: list[int]) -> Any:
    return []


def _sliced(first: int | None = None, last: int | None = None) -> Any:
    return None


def _nothing() -> Any:
    return None


@strawberry.type(directives=[Cost(weight=5)])
class Tree(Named):
    leaves: list[Leaf] = strawberry.field(directives=[sized(4)])
    grid: list[list[Leaf]] = strawberry.field(directives=[sized(3)])

    trees: list["Tree"] = strawberry.field(resolver=_by_ids, directives=[ListSize(slicing_arguments=["ids"])])


@strawberry.type(directives=[Cost(weight=0)])
class Edge:
    node: Tree


@strawberry.type
class Page:
    edges: list[Edge]
    nodes: list[Tree]
    total: int


@strawberry.input
class Line:
    id: strawberry.ID = strawberry.field(directives=[Cost(weight=2)])
    also: "list[Line] | None" = None


Either = Annotated[Leaf | Tree, strawberry.union("Either")]


@strawberry.type
class Query:
    page: Page | None = strawberry.field(resolver=_sliced, directives=[PAGE])
    strict: Page | None = strawberry.field(resolver=_sliced, directives=[STRICT])
    named: list[Named] | None = strawberry.field(resolver=_nothing, directives=[sized(6)])

    @strawberry.field
    def either(self) -> Either | None:
        return None

    @strawberry.field
    def priced(
        self,
        lines: list[Line] | None = None,
        note: Annotated[str | None, strawberry.argument(directives=[Cost(weight=7)])] = None,
    ) -> int | None:
        return None


@strawberry.type
class Mutation:
    @strawberry.mutation
    def plant(self) -> Tree | None:
        return None

    water: bool | None = strawberry.mutation(resolver=_nothing, directives=[Cost(weight=1)])


@cache
def tools() -> tuple[Documents, Costs]:
    schema = strawberry.Schema(query=Query, mutation=Mutation)
    return Documents(schema, DocumentLimits(introspection=True)), Costs(schema)


def priced(source: str) -> OperationCost:
    """The cost of the only operation of ``source``."""
    documents, costs = tools()
    operation = documents.find(source, None)
    return costs.of(operation.source, operation.document, operation.name)


def estimate(source: str, **variables: Any) -> int:
    """The estimate of the only operation of ``source``."""
    return priced(source).estimate(variables)
