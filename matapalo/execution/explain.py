"""How an operation is executed, field by field, read from schema and document alone: `matapalo explain` prints it.

A field is an attribute of its model, a relation (one load for all rows of a level), or what a resolver returns. A
selection whose fields are all attributes and relations is part of a level, read in one pass
(`matapalo.execution.levels`). Otherwise graphql-core executes it field by field, and ``reason`` names the field that
needs it. Whether rows are as their model says is known only at run time: `FALLBACKS` says what graphql-core takes over
then.

Conditions (`@skip`, `@include`) count as fulfilled. The operation must have been validated against the schema.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
)
from strawberry import Schema
from strawberry.types.field import StrawberryField

from matapalo.execution.levels import Reason, model_of, reader_of
from matapalo.execution.relation import Relation
from matapalo.graphql_core import core_schema, definition_of
from matapalo.operations.document import Operation

Node = OperationDefinitionNode | FieldNode
Source = Literal["attribute", "relation", "resolver"]

#: Why graphql-core executes the rows of a level after all, by the label of the metric that counts it.
FALLBACKS: Mapping[Reason, str] = {
    "model": "a row is of another class than its model",
    "attribute": "an attribute raises",
    "null": "None for a non-null field",
    "list": "no list for a list",
    "value": "a leaf is not plainly of its type",
}


@dataclass(frozen=True, slots=True)
class Selection:
    """What is selected of one type. ``level``: 1 and the loads above; None: graphql-core executes it for ``reason``."""

    type_name: str
    model: str | None
    is_union_member: bool
    level: int | None
    reason: str
    fields: tuple["Field", ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One response key. ``code`` is the attribute, the load or the resolver; ``key`` the attribute a load takes."""

    name: str
    type: str
    source: Source
    code: str
    key: str
    is_connection: bool
    selections: tuple[Selection, ...]


def explain(schema: Schema, operation: Operation) -> Selection:
    """The tree of an operation, from its root type down."""
    core = core_schema(schema)
    definition = next(
        node
        for node in operation.document.definitions
        if isinstance(node, OperationDefinitionNode) and (node.name and node.name.value) == operation.name
    )
    root = cast(GraphQLObjectType, core.get_root_type(definition.operation))
    return _Explainer(core, operation).selection(root, [definition], 1)


def why_not_in_a_level(field: GraphQLField) -> str:
    """Why rows with this field are graphql-core's; empty for attributes and relations that a level can read."""
    if reader_of(field) is not None:
        return ""
    declared = definition_of(field)
    if field.args:
        return "takes arguments"
    if isinstance(declared, StrawberryField) and declared.extensions:
        return "has field extensions"
    if isinstance(declared, StrawberryField) and Relation in declared.metadata:
        return "is a relation that cannot be null"
    if not isinstance(declared, StrawberryField) or declared.base_resolver is not None:
        return "has a resolver"
    return f"is {'a list of scalars' if is_leaf_type(get_named_type(field.type)) else 'of an abstract type'}"


def render(root: Selection) -> str:
    """The tree as text: a field a line, with how it is resolved and how the rows below it are executed."""
    rows = list(_rows(root.fields, 1))
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    lines = [
        f"{name:<{widths[0]}}  {how:<{widths[1]}}  {execution}".rstrip()
        for name, how, execution in [(root.type_name, "", _execution(root)), *rows]
    ]
    lines += ["", "graphql-core takes over the rows of a level, counted by reason, when"]
    return "\n".join([*lines, *(f"  {reason:<9}  {sentence}" for reason, sentence in FALLBACKS.items())])


def _rows(fields: Iterable[Field], depth: int) -> Iterator[tuple[str, str, str]]:
    indent = "  " * depth
    for field in fields:
        members = [selection for selection in field.selections if selection.is_union_member]
        below = [selection for selection in field.selections if not selection.is_union_member]
        yield f"{indent}{field.name}: {field.type}", _resolution(field), _execution(*below)
        for selection in below:
            yield from _rows(selection.fields, depth + 1)
        for member in members:
            yield (
                f"{indent}  … on {member.type_name}",
                f"union member {member.model or ''}".rstrip(),
                _execution(member),
            )
            yield from _rows(member.fields, depth + 2)


def _resolution(field: Field) -> str:
    connection = "connection, " if field.is_connection else ""
    if field.source == "relation":
        return f"{connection}relation: {field.code} by {field.key}, one call per level"
    return f"{connection}{field.source} {field.code}"


def _execution(*selections: Selection) -> str:
    return ", ".join(
        f"level {selection.level}" if selection.level else f"graphql-core: {selection.reason}"
        for selection in selections
    )


class _Explainer:
    def __init__(self, schema: GraphQLSchema, operation: Operation) -> None:
        self._schema = schema
        self._fragments = {
            node.name.value: node for node in operation.document.definitions if isinstance(node, FragmentDefinitionNode)
        }

    def selection(
        self, row_type: GraphQLObjectType, nodes: Iterable[Node], level: int, *, is_union_member: bool = False
    ) -> Selection:
        collected: dict[str, list[FieldNode]] = {}
        for node in nodes:
            if node.selection_set is not None:
                self._collect(row_type, node.selection_set, collected)
        fields = {key: self._field(row_type, key, group, level) for key, group in collected.items()}
        model = model_of(row_type)
        reason = "its fields have resolvers" if model is None else ""
        if model is None and not any(field.source == "resolver" for field in fields.values()):
            reason = f"{row_type.name} is no projection"
        for key, field in fields.items():
            reason = reason or self._reason(row_type, collected[key][0].name.value, field)
        return Selection(
            type_name=row_type.name,
            model=None if model is None else model.__name__,
            is_union_member=is_union_member,
            level=None if reason else level,
            reason=reason,
            fields=tuple(fields.values()),
        )

    def _reason(self, row_type: GraphQLObjectType, name: str, field: Field) -> str:
        core_field = row_type.fields.get(name)
        if core_field is None:  # __typename
            return ""
        if reason := why_not_in_a_level(core_field):
            return f"{field.name} {reason}"
        needs_core = field.source != "relation" and any(selection.level is None for selection in field.selections)
        return f"{field.name} is graphql-core's" if needs_core else ""

    def _field(self, row_type: GraphQLObjectType, key: str, nodes: Sequence[FieldNode], level: int) -> Field:
        name = nodes[0].name.value
        core_field = cast(GraphQLField, self._schema.get_field(row_type, name))
        declared = definition_of(core_field)
        named_type = get_named_type(core_field.type)
        source: Source = "attribute"
        code, load_key = name, ""
        if isinstance(declared, StrawberryField):
            relation = declared.metadata.get(Relation)
            model = model_of(row_type)
            code = declared.python_name if model is None else f"{model.__name__}.{declared.python_name}"
            if relation is not None:
                source, code, load_key = "relation", relation.load.__name__, relation.key
            elif declared.base_resolver is not None:
                source, code = "resolver", declared.base_resolver.wrapped_func.__qualname__
        return Field(
            name=key if key == name else f"{key}: {name}",
            type=str(core_field.type),
            source=source,
            code=code,
            key=load_key,
            is_connection=named_type.name.endswith("Connection"),
            selections=tuple(self._below(named_type, nodes, level + (source == "relation"))),
        )

    def _below(self, named_type: GraphQLNamedType, nodes: Sequence[FieldNode], level: int) -> Iterator[Selection]:
        if isinstance(named_type, GraphQLObjectType):
            yield self.selection(named_type, nodes, level)
        elif is_abstract_type(named_type):
            for member in self._schema.get_possible_types(named_type):
                yield self.selection(member, nodes, level, is_union_member=True)

    def _collect(
        self, row_type: GraphQLObjectType, selections: SelectionSetNode, into: dict[str, list[FieldNode]]
    ) -> None:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                into.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
                continue
            fragment: Any = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            condition = fragment.type_condition and self._schema.type_map[fragment.type_condition.name.value]
            if condition in (None, row_type) or (
                is_abstract_type(condition) and self._schema.is_sub_type(condition, row_type)
            ):
                self._collect(row_type, fragment.selection_set, into)
