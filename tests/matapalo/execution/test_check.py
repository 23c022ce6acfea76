"""Every way in which a projection can disagree with its model is found when the schema is built."""

from collections.abc import Awaitable, Sequence
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Generic, TypeVar

import msgspec
import pytest
import strawberry

from matapalo.execution.check import SchemaMismatch, check
from matapalo.execution.projection import projection, returns
from matapalo.execution.relation import related

T = TypeVar("T")


class Colour(Enum):
    RED = "RED"


class Shade(Enum):
    RED = "RED"


strawberry.enum(Colour)
strawberry.enum(Shade)


class Other(msgspec.Struct):
    id: str


class Special(Other):
    """A subclass of a model."""


class Model(msgspec.Struct):
    id: str
    size: int
    ratio: float
    maybe: str | None
    colour: Colour
    other: Other
    others: list[Other]
    tags: list[str | None]

    @property
    def amount(self) -> Decimal:
        return Decimal(1)

    @property
    def unknown(self):
        return None


class Box(msgspec.Struct, Generic[T]):
    content: list[T]

    @property
    def first(self) -> T:
        return self.content[0]


@projection(Other, name="Other")
class OtherView:
    id: strawberry.ID


@projection(Other, name="OtherAgain")
class OtherAgainView:
    id: strawberry.ID


@projection(Special, name="Special")
class SpecialView:
    id: strawberry.ID


async def load_others(context: object, keys: Sequence[str]) -> list[Other | Exception | None]:
    return [None for _ in keys]


async def load_anything(context: object, keys: Sequence[str]):
    return [None for _ in keys]


def mismatches(*views: type) -> list[str]:
    """What is wrong with a schema of these types."""

    @strawberry.type
    class Query:
        nothing: int

    try:
        check(strawberry.Schema(Query, types=views))
    except SchemaMismatch as found:
        return list(found.mismatches)
    return []


def mismatches_of(**fields: Any) -> list[str]:
    """What is wrong with a projection of `Model` that has these fields: a type, or a type and a relation."""
    namespace: dict[str, Any] = {"__annotations__": {}}
    for name, field in fields.items():
        annotation, value = field if isinstance(field, tuple) else (field, None)
        namespace["__annotations__"][name] = annotation
        if value is not None:
            namespace[name] = value
    return mismatches(projection(Model, name="M")(type("M", (), namespace)))


def test_what_fits_is_accepted():
    assert (
        mismatches_of(
            id=strawberry.ID,
            size=int,
            ratio=float,
            maybe=str | None,
            colour=Colour,
            other=OtherView,
            others=list[OtherView] | None,
            tags=list[str | None],
            amount=Decimal,
        )
        == []
    )


@pytest.mark.parametrize(
    ("name", "annotation", "sentence"),
    [
        ("gone", str, "M.gone: Model has no attribute 'gone'"),
        ("unknown", str, "M.unknown: Model has no attribute 'unknown'"),
        ("maybe", str, "M.maybe: the model allows None, the GraphQL field does not"),
        ("tags", list[str], "M.tags: an item of the model allows None, the GraphQL field does not"),
        ("size", str, "M.size: the model is int, the GraphQL scalar is str"),
        ("ratio", int, "M.ratio: the model is float, the GraphQL scalar is int"),
        ("colour", Shade, "M.colour: the model is Colour, the GraphQL enum is Shade"),
        ("colour", str, "M.colour: the model is Colour, the GraphQL scalar is str"),
        ("other", list[OtherView], "M.other: the model is Other, the GraphQL field is a list"),
        ("others", OtherView, f"M.others: the model is list[{__name__}.Other], which OtherView does not present"),
        ("other", SpecialView, "M.other: the model is Other, which SpecialView does not present"),
        ("amount", float, "M.amount: the model is Decimal, the GraphQL scalar is float"),
    ],
)
def test_a_plain_field_that_does_not_fit_is_named(name, annotation, sentence):
    assert mismatches_of(**{name: annotation}) == [sentence]


def test_all_disagreements_are_reported_at_once():
    assert len(mismatches_of(size=str, maybe=str)) == 2


def test_relations_are_checked_against_model_and_load():
    assert mismatches_of(ok=(OtherView | None, related(load_others, key="id"))) == []
    assert mismatches_of(ok=(OtherView | None, related(load_others, key="other.id"))) == []
    assert mismatches_of(x=(OtherView | None, related(load_others, key="gone"))) == [
        "M.x: Model has no attribute 'gone', the key of the relation"
    ]
    assert mismatches_of(x=(OtherView, related(load_others, key="id"))) == [
        "M.x: a relation costs a call that may fail, so the field must be nullable",
        "M.x: the load allows None, the GraphQL field does not",
    ]
    assert mismatches_of(x=(SpecialView | None, related(load_others, key="id"))) == [
        "M.x: the load is Other, which SpecialView does not present"
    ]
    assert mismatches_of(x=(OtherView | None, related(load_anything, key="id"))) == [
        "M.x: load_anything must be annotated with the list it returns, got None"
    ]


def test_a_derived_field_takes_the_model_and_returns_its_type():
    @projection(Model, name="M")
    class View:
        @returns(str)
        @staticmethod
        def takes_another(other: strawberry.Parent[Other]) -> str:
            return other.id

        @returns(OtherView)
        @staticmethod
        def returns_another(model: strawberry.Parent[Model]) -> Model:
            return model

        @returns(str)
        @staticmethod
        def says_nothing(model: strawberry.Parent[Model]):
            return model.id

    assert mismatches(View) == [
        "M.takes_another: the resolver takes a Other, the model is Model",
        "M.returns_another: the resolver is Model, which OtherView does not present",
        "M.says_nothing: annotate the resolver with the model that it returns",
    ]


def test_resolvers_of_plain_types_are_checked_if_declared():
    @strawberry.type
    class Root:
        @returns(OtherView | None)
        def awaited(self) -> Awaitable[Other | None]:
            raise NotImplementedError

        @returns(OtherView)
        async def nullable(self) -> Other | None:
            return None

        @returns(OtherView)
        def projected(self) -> OtherView:
            raise NotImplementedError

    assert mismatches(Root) == [
        "Root.nullable: the resolver allows None, the GraphQL field does not",
        "Root.projected: the resolver is OtherView, which OtherView does not present",
    ]


def test_generic_models_are_checked_with_their_arguments():
    @projection(Box[Other], name="Box")
    class View:
        content: list[OtherView]
        first: OtherView

    @projection(Box[str], name="Texts")
    class Texts:
        content: list[int]

    assert mismatches(View) == []
    assert mismatches(Texts) == ["Texts.content: an item of the model is str, the GraphQL scalar is int"]


def test_two_projections_of_one_model_in_a_union_are_refused():
    @strawberry.type
    class Root:
        @returns(Annotated[OtherView | OtherAgainView, strawberry.union("Either")])
        def either(self) -> Other:
            raise NotImplementedError

        @returns(Annotated[OtherView | SpecialView, strawberry.union("Sub")])
        def sub(self) -> Other:
            raise NotImplementedError

    assert mismatches(Root) == [
        "Either: OtherView and OtherAgainView project the same objects (Other)",
        "Sub: OtherView and SpecialView project the same objects (Other)",
    ]


def test_a_union_must_present_whatever_the_resolver_returns():
    @projection(Model, name="Model")
    class ModelView:
        id: strawberry.ID

    @strawberry.type
    class Root:
        @returns(Annotated[OtherView | ModelView, strawberry.union("Both")])
        def fits(self) -> Other | Model:
            raise NotImplementedError

        @returns(Annotated[OtherView | ModelView, strawberry.union("Both")])
        def fits_not(self) -> Other | str:
            raise NotImplementedError

    assert mismatches(Root) == ["Root.fits_not: the resolver is str, which no member of the union Both presents"]


def test_implementations_of_an_interface_are_checked():
    @strawberry.interface
    class Node:
        id: strawberry.ID

    @projection(Other, name="A")
    class A(Node):
        pass

    @projection(Other, name="B")
    class B(Node):
        size: int

    @strawberry.type
    class Root:
        @returns(Node)
        def node(self) -> Other:
            raise NotImplementedError

        @returns(Node)
        def no_node(self) -> Model:
            raise NotImplementedError

    assert sorted(mismatches(Root, A, B)) == [
        "B.size: Other has no attribute 'size'",
        "Node: A and B project the same objects (Other)",
        "Root.no_node: the resolver is Model, which Node does not present",
    ]
