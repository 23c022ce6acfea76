"""What the schema says about costs: its `@cost` and `@listSize` directives, read once and checked.

The meaning, which is that of Apollo's and Grafbase's gateways:

* a field costs ``size * (weight + what is selected below it) + the weights of the arguments given``;
* its weight is that of the field's `@cost`, else 10 for a root field of a mutation, else that of its type's `@cost`,
  else 1 for an object and 0 for a scalar or an enum;
* its size is 1, for a list what its `@listSize`, or that of the connection it belongs to, says.

`Weights` raises `CostsMissing` unless every list of something that costs has a size: a list without one could not be
estimated. Of ``requireOneSlicingArgument`` see `matapalo.ratelimit.cost.values`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
)
from graphql.type import GraphQLList, GraphQLNonNull

from matapalo.graphql_core import definition_of
from matapalo.ratelimit.cost.directives import Cost, ListSize

MUTATION_WEIGHT = 10
OBJECT_WEIGHT = 1
#: ``__schema`` and ``__type``, whose responses are long and come from memory.
INTROSPECTION_WEIGHT = 50

D = TypeVar("D")


class CostsMissing(Exception):
    """Lists without a size, or sizes that cannot be. ``flaws`` has a sentence for each."""

    def __init__(self, flaws: Sequence[str]) -> None:
        super().__init__("\n".join(flaws))
        self.flaws = flaws


@dataclass(frozen=True, slots=True)
class Sizing:
    """A `@listSize`, with its absent arguments filled in."""

    assumed: int | None
    by: tuple[str, ...]
    fields: tuple[str, ...]
    needs_one: bool


class Weights:
    """The weights of one schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self._weighing: dict[str, bool] = {}
        flaws = list(self._flaws())
        if flaws:
            raise CostsMissing(flaws)

    def of_field(self, parent: GraphQLNamedType, field: GraphQLField) -> int:
        """What one value of ``field`` costs, without what is selected below it."""
        own = _directive(field, Cost)
        if own is not None:
            return own.weight
        if parent is self.schema.mutation_type:
            return MUTATION_WEIGHT
        return self.of_type(get_named_type(field.type))

    def of_type(self, type_: GraphQLNamedType) -> int:
        """What one value of ``type_`` costs."""
        own = _directive(type_, Cost)
        return own.weight if own is not None else OBJECT_WEIGHT if is_composite_type(type_) else 0

    def of_input(self, input_: GraphQLArgument | GraphQLInputField) -> int:
        """What passing an argument, or a field of an input object, costs."""
        own = _directive(input_, Cost)
        return own.weight if own is not None else 0

    def weighs(self, type_: GraphQLNamedType) -> bool:
        """Whether a value of an input type can cost anything."""
        if not isinstance(type_, GraphQLInputObjectType):
            return False
        weighs = self._weighing.get(type_.name)
        if weighs is None:
            self._weighing[type_.name] = False  # meanwhile: an input type may contain itself
            weighs = any(
                self.of_input(field) or self.weighs(get_named_type(field.type)) for field in type_.fields.values()
            )
            self._weighing[type_.name] = weighs
        return weighs

    def sizing(self, field: GraphQLField) -> Sizing | None:
        """How long the lists of ``field`` may be, if that is said."""
        size = _directive(field, ListSize)
        if size is None:
            return None
        return Sizing(
            assumed=size.assumed_size if isinstance(size.assumed_size, int) else None,
            by=tuple(size.slicing_arguments or ()),
            fields=tuple(size.sized_fields or ()),
            needs_one=size.require_one_slicing_argument is True and bool(size.slicing_arguments),
        )

    # --- is everything said? -----------------------------------------------------------------------------------------

    def _flaws(self) -> Iterator[str]:
        fields = [*self._fields()]
        for coordinate, field in fields:
            sizing = self.sizing(field)
            if sizing is not None:
                yield from self._sizing_flaws(coordinate, field, sizing)
        returning: dict[str, list[tuple[str, GraphQLField]]] = {}
        for coordinate, field in fields:
            returning.setdefault(get_named_type(field.type).name, []).append((coordinate, field))
        for coordinate, field in fields:
            named = get_named_type(field.type)
            if dimensions(field.type) and (is_composite_type(named) or self.of_type(named)):
                yield from self._unsized(coordinate, field, returning)

    def _unsized(
        self, coordinate: str, field: GraphQLField, returning: dict[str, list[tuple[str, GraphQLField]]]
    ) -> Iterator[str]:
        """A list is sized by itself, or by every field that returns the object it is part of."""
        own = self.sizing(field)
        if own is not None and not own.fields:
            return
        type_name, _, name = coordinate.partition(".")
        for other, returns in returning.get(type_name, [(coordinate, field)]):
            sizing = self.sizing(returns)
            if sizing is None or name not in sizing.fields:
                yield (
                    f"{coordinate} is a list of {get_named_type(field.type).name} without a size: give it @listSize"
                    + ("" if other == coordinate else f", or name it in the sizedFields of {other}")
                )

    def _sizing_flaws(self, coordinate: str, field: GraphQLField, sizing: Sizing) -> Iterator[str]:
        if sizing.assumed is None and not sizing.needs_one:
            yield f"{coordinate}: @listSize needs assumedSize, or slicingArguments of which one is required"
        for name in sizing.by:
            if name not in field.args:
                yield f"{coordinate}: @listSize names the argument {name!r}, which the field does not have"
        returned = get_named_type(field.type)
        for name in sizing.fields:
            inner = returned.fields.get(name) if isinstance(returned, GraphQLObjectType) else None
            if inner is None or not dimensions(inner.type):
                yield f"{coordinate}: @listSize sizes {returned.name}.{name}, which is no list"

    def _fields(self) -> Iterator[tuple[str, GraphQLField]]:
        for type_ in self.schema.type_map.values():
            if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and not type_.name.startswith("__"):
                for name, field in type_.fields.items():
                    yield f"{type_.name}.{name}", field


def dimensions(type_: Any) -> int:
    """How many lists ``type_`` nests: 0 for no list."""
    lists = 0
    while isinstance(type_, GraphQLList | GraphQLNonNull):
        lists += isinstance(type_, GraphQLList)
        type_ = type_.of_type
    return lists


def _directive(element: Any, kind: type[D]) -> D | None:
    definition = definition_of(element)
    directives = getattr(definition, "directives", None) or ()
    return next((directive for directive in directives if isinstance(directive, kind)), None)
