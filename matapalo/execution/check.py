"""Do projections agree with the models they project? Checked once, when a schema is built: `check(schema)`.

mypy checks resolvers against models; nothing but this checks models against GraphQL types. It raises
``SchemaMismatch`` with every disagreement, one a line, such as
``Order.total: the model allows None, the GraphQL field does not``. Rules:

- a plain field is an attribute, or an annotated property, of the model, and its type fits;
- a relation is nullable, its key exists, and what its load returns per key fits;
- the resolver of a projection, and every resolver declared with `returns`, returns what fits;
- None only where the field is nullable, a list only for a list, an enum only for the same enum class;
- no union and no interface holds two projections of one model: the first would silently win.
"""

import datetime
import decimal
import inspect
import types
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Coroutine, Iterator, Sequence
from itertools import combinations
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import strawberry
from strawberry.parent import StrawberryParent
from strawberry.types.base import (
    StrawberryList,
    StrawberryObjectDefinition,
    StrawberryOptional,
    get_object_definition,
    has_object_definition,
)
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType
from strawberry.types.union import StrawberryUnion

from matapalo.execution.projection import Returns, projected_model
from matapalo.execution.relation import Relation

#: The Python types each scalar can carry as they are.
LEAVES: dict[Any, tuple[Any, ...]] = {
    strawberry.ID: (str, strawberry.ID),
    str: (str, strawberry.ID),
    int: (int,),
    float: (float, int),
    bool: (bool,),
    decimal.Decimal: (decimal.Decimal,),
    datetime.datetime: (datetime.datetime,),
    datetime.date: (datetime.date,),
    uuid.UUID: (uuid.UUID,),
}

_AWAITABLES = (Awaitable, Coroutine, AsyncIterator, AsyncGenerator)
_LISTS = (list, tuple, Sequence)


class SchemaMismatch(Exception):
    """Models and GraphQL types disagree. ``mismatches`` has a sentence for each place."""

    def __init__(self, mismatches: Sequence[str]) -> None:
        super().__init__("\n".join(mismatches))
        self.mismatches = mismatches


def check(schema: strawberry.Schema) -> None:
    """Raise `SchemaMismatch` unless every projection of ``schema`` agrees with its model."""
    definitions = [concrete.definition for concrete in schema.schema_converter.type_map.values()]
    mismatches = [*_abstract_mismatches(definitions)]
    for definition in definitions:
        if isinstance(definition, StrawberryObjectDefinition) and not definition.is_input:
            mismatches += [
                f"{definition.name}.{field.graphql_name or field.python_name}: {reason}"
                for field in definition.fields
                for reason in _field_mismatches(field, projected_model(definition.origin))
            ]
    if mismatches:
        raise SchemaMismatch(mismatches)


# --- fields ----------------------------------------------------------------------------------------------------------


def _field_mismatches(field: StrawberryField, model: Any | None) -> Iterator[str]:
    relation = field.metadata.get(Relation)
    if relation is not None:
        yield from _relation_mismatches(field, model, relation)
    elif field.base_resolver is not None:
        yield from _resolver_mismatches(field, model)
    elif model is not None:
        yield from _attribute_mismatches(field, model)


def _attribute_mismatches(field: StrawberryField, model: Any) -> Iterator[str]:
    attribute = attribute_type(model, field.python_name)
    if attribute is None:
        yield f"{_spelled(model)} has no attribute {field.python_name!r}"
    else:
        yield from _misfits(attribute, field.type, "the model")


def _relation_mismatches(field: StrawberryField, model: Any | None, relation: Relation) -> Iterator[str]:
    if model is not None and _attribute_path_type(model, relation.key) is None:
        yield f"{_spelled(model)} has no attribute {relation.key!r}, the key of the relation"
    if not isinstance(field.type, StrawberryOptional):
        yield "a relation costs a call that may fail, so the field must be nullable"
    returned = get_type_hints(relation.load).get("return")
    if get_origin(returned) not in _LISTS:
        yield f"{relation.load.__qualname__} must be annotated with the list it returns, got {returned!r}"
    else:
        yield from _misfits(get_args(returned)[0], field.type, "the load")


def _resolver_mismatches(field: StrawberryField, model: Any | None) -> Iterator[str]:
    resolver = cast(Any, field.base_resolver).wrapped_func
    hints = get_type_hints(resolver, include_extras=True)
    if model is not None:
        yield from _parent_mismatches(hints, model)
    if model is not None or Returns in field.metadata:
        returned = hints.get("return")
        if returned is None or returned is Any:
            yield "annotate the resolver with the model that it returns"
        else:
            yield from _misfits(_awaited(returned), field.type, "the resolver")


def _parent_mismatches(hints: dict[str, Any], model: Any) -> Iterator[str]:
    for hint in hints.values():
        if get_origin(hint) is Annotated and any(isinstance(m, StrawberryParent) for m in hint.__metadata__):
            parent = get_args(hint)[0]
            if parent is not Any and not _is_a(model, parent):
                yield f"the resolver takes a {_spelled(parent)}, the model is {_spelled(model)}"


def attribute_type(model: Any, name: str) -> Any | None:
    """What reading ``name`` of a ``model`` object yields: an annotated attribute, or a property's return annotation."""
    origin = get_origin(model) or model
    hint = get_type_hints(origin).get(name)
    if hint is None:
        member = inspect.getattr_static(origin, name, None)
        if isinstance(member, property) and member.fget is not None:
            hint = get_type_hints(member.fget).get("return")
    arguments = dict(zip(getattr(origin, "__parameters__", ()), get_args(model), strict=True))
    return _substituted(hint, arguments)


def _attribute_path_type(model: Any, path: str) -> Any | None:
    for name in path.split("."):
        model = _without_none(attribute_type(model, name)) if model is not None else None
    return model


def _substituted(hint: Any, arguments: dict[Any, Any]) -> Any:
    if isinstance(hint, TypeVar):
        return arguments.get(hint, hint)
    parameters = getattr(hint, "__parameters__", ())
    return hint[tuple(arguments[p] for p in parameters)] if parameters and arguments else hint


def _awaited(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) in _AWAITABLES else hint


# --- types -----------------------------------------------------------------------------------------------------------


def _misfits(python_type: Any, graphql_type: Any, who: str) -> Iterator[str]:
    """Why a value of ``python_type`` does not fit; nothing when it does. ``who`` says whose type it is."""
    members = _members(python_type)
    if isinstance(graphql_type, StrawberryOptional):
        graphql_type = graphql_type.of_type
    elif type(None) in members:
        yield f"{who} allows None, the GraphQL field does not"
    for member in members:
        if member is not type(None) and not _is_exception(member):
            yield from _member_misfits(member, _resolved(graphql_type), who)


def _member_misfits(member: Any, graphql_type: Any, who: str) -> Iterator[str]:
    if isinstance(graphql_type, StrawberryList):
        if get_origin(member) in _LISTS:
            yield from _misfits(get_args(member)[0], graphql_type.of_type, f"an item of {who}")
        else:
            yield f"{who} is {_spelled(member)}, the GraphQL field is a list"
    elif isinstance(graphql_type, StrawberryUnion):
        if not any(_presents(type_, member) for type_ in _union_types(graphql_type)):
            yield f"{who} is {_spelled(member)}, which no member of the union {graphql_type.graphql_name} presents"
    elif has_object_definition(graphql_type):
        if not _presents(graphql_type, member):
            yield f"{who} is {_spelled(member)}, which {_spelled(graphql_type)} does not present"
    else:
        yield from _leaf_misfits(member, graphql_type, who)


def _leaf_misfits(member: Any, graphql_type: Any, who: str) -> Iterator[str]:
    if isinstance(graphql_type, StrawberryEnumDefinition):
        if graphql_type.wrapped_cls is not member:
            yield f"{who} is {_spelled(member)}, the GraphQL enum is {_spelled(graphql_type.wrapped_cls)}"
    elif member not in LEAVES.get(graphql_type, (graphql_type,)):
        yield f"{who} is {_spelled(member)}, the GraphQL scalar is {_spelled(graphql_type)}"


def _presents(graphql_type: Any, member: Any) -> bool:
    """Whether objects of ``member`` may be completed as ``graphql_type``: its model, or, unprojected, itself."""
    model = projected_model(graphql_type)
    if model is not None:
        return _is_a(member, model)
    definition = get_object_definition(graphql_type, strict=True)
    if definition.is_interface:
        return any(
            definition in get_object_definition(subclass, strict=True).interfaces and _presents(subclass, member)
            for subclass in _subclasses(graphql_type)
        )
    return _is_a(member, graphql_type)


def _is_a(member: Any, model: Any) -> bool:
    if get_origin(member) or get_origin(model):
        return cast(bool, member == model)
    return isinstance(member, type) and isinstance(model, type) and issubclass(member, model)


def _is_exception(member: Any) -> bool:
    return isinstance(member, type) and issubclass(member, Exception)


def _members(python_type: Any) -> tuple[Any, ...]:
    if get_origin(python_type) is Annotated:
        return _members(get_args(python_type)[0])
    if get_origin(python_type) in (Union, types.UnionType):
        return tuple(member for argument in get_args(python_type) for member in _members(argument))
    return (python_type,)


def _without_none(python_type: Any) -> Any | None:
    members = [member for member in _members(python_type) if member is not type(None)]
    return members[0] if members else None


def _resolved(graphql_type: Any) -> Any:
    return graphql_type.resolve_type() if isinstance(graphql_type, LazyType) else graphql_type


def _subclasses(cls: type) -> Iterator[type]:
    subclass: type
    for subclass in cls.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _union_types(union: StrawberryUnion) -> list[Any]:
    return [_resolved(type_) for type_ in union.types]


def _spelled(python_type: Any) -> str:
    return str(python_type) if get_origin(python_type) else getattr(python_type, "__name__", repr(python_type))


# --- unions and interfaces -------------------------------------------------------------------------------------------


def _abstract_mismatches(definitions: Sequence[Any]) -> Iterator[str]:
    for name, members in _abstract_types(definitions):
        for left, right in combinations(members, 2):
            a, b = projected_model(left), projected_model(right)
            if a is not None and b is not None and _overlap(get_origin(a) or a, get_origin(b) or b):
                yield f"{name}: {_spelled(left)} and {_spelled(right)} project the same objects ({_spelled(a)})"


def _abstract_types(definitions: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    for definition in definitions:
        if isinstance(definition, StrawberryUnion):
            yield str(definition.graphql_name), _union_types(definition)
        elif isinstance(definition, StrawberryObjectDefinition) and definition.is_interface:
            implementing = [
                d.origin
                for d in definitions
                if isinstance(d, StrawberryObjectDefinition) and not d.is_interface and definition in d.interfaces
            ]
            yield definition.name, implementing


def _overlap(left: type, right: type) -> bool:
    return issubclass(left, right) or issubclass(right, left)
