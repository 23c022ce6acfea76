"""An operation as costs see it: what it selects, merged as the executor merges it, with the formula of each part.

Fields that share a response key are one `SelectedField`, selected when one of their conditions holds. Below an abstract
type there is one `Selection` for each object type it may turn out to be; an estimate takes the dearest. Selections are
shared where they are the same, so the plan is a graph no larger than (selection sets) x (types).

The document must have been validated against the schema of the weights (`matapalo.operations.document`, which also
bounds its size).
Source: GraphQL §6.3.2 (field collection), IBM cost specification §3.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
)

from matapalo.ratelimit.cost.formula import Formula, Variables, function_of, largest, number, power, product, total
from matapalo.ratelimit.cost.values import ALWAYS, Condition, Values
from matapalo.ratelimit.cost.weights import INTROSPECTION_WEIGHT, Sizing, Weights, dimensions

_INTROSPECTION = frozenset({"__schema", "__type"})
_ONE = number(1)


@dataclass(frozen=True, slots=True, eq=False)
class SelectedField:
    """One response key of one object. ``below`` has a selection for each type that the value may have.

    ``cost`` is ``size * (weight + the dearest of below) + arguments``, 0 where the condition does not hold.
    """

    key: str
    name: str
    weight: int
    size: Formula
    arguments: Formula
    below: tuple["Selection", ...]
    cost: Formula
    nodes: Formula


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """What is selected of an object of one type. ``nodes``: how many objects that cost something it may return."""

    type_name: str
    fields: tuple[SelectedField, ...]
    cost: Formula
    nodes: Formula


@dataclass(frozen=True, slots=True)
class _Part:
    """A selection set and when it counts."""

    selections: SelectionSetNode
    when: Condition


@dataclass(frozen=True, slots=True)
class _Occurrence:
    node: FieldNode
    when: Condition


def is_introspection(selection: Selection) -> bool:
    """Whether a query selects the schema and nothing else."""
    names = {field.name for field in selection.fields}
    return bool(names) and names <= _INTROSPECTION


def plan(weights: Weights, document: DocumentNode, operation_name: str | None) -> Selection:
    """The root selection of an operation."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    operation = next(node for node in operations if operation_name in (None, node.name and node.name.value))
    root = weights.schema.get_root_type(operation.operation)
    if root is None:
        raise ValueError(f"the schema has no {operation.operation.value}: the document was not validated")
    return _Planner(weights, document, operation).selection(root, (_Part(operation.selection_set, ALWAYS),), None, "")


class _Planner:
    def __init__(self, weights: Weights, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self._weights = weights
        self._schema = weights.schema
        self._values = Values(weights, operation)
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._selections: dict[object, Selection] = {}

    def selection(
        self, type_: GraphQLObjectType, parts: tuple[_Part, ...], sized: "_Sized | None", path: str
    ) -> Selection:
        identity = (type_.name, tuple((id(part.selections), part.when) for part in parts), sized)
        cached = self._selections.get(identity)
        if cached is None:
            cached = self._selections[identity] = self._selection(type_, parts, sized, path)
        return cached

    def _selection(
        self, type_: GraphQLObjectType, parts: tuple[_Part, ...], sized: "_Sized | None", path: str
    ) -> Selection:
        collected: dict[str, list[_Occurrence]] = {}
        for part in parts:
            self._collect(type_, part, collected)
        fields = [
            self._field(type_, key, occurrences, sized, path)
            for key, occurrences in collected.items()
            if occurrences[0].node.name.value != "__typename"
        ]
        return Selection(
            type_name=type_.name,
            fields=tuple(fields),
            cost=total(field.cost for field in fields),
            nodes=total(field.nodes for field in fields),
        )

    def _collect(self, type_: GraphQLObjectType, part: _Part, into: dict[str, list[_Occurrence]]) -> None:
        for node in part.selections.selections:
            own = self._values.condition(node.directives)
            if own is None:
                continue
            when = part.when | own
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                into.setdefault(key, []).append(_Occurrence(node, when))
                continue
            fragment = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            if isinstance(fragment, FragmentDefinitionNode | InlineFragmentNode) and self._applies(type_, fragment):
                self._collect(type_, _Part(fragment.selection_set, when), into)

    def _applies(self, type_: GraphQLObjectType, fragment: FragmentDefinitionNode | InlineFragmentNode) -> bool:
        if fragment.type_condition is None:
            return True
        condition = self._schema.type_map[fragment.type_condition.name.value]
        return condition is type_ or (is_abstract_type(condition) and self._schema.is_sub_type(condition, type_))

    def _field(
        self, type_: GraphQLObjectType, key: str, occurrences: list[_Occurrence], sized: "_Sized | None", path: str
    ) -> SelectedField:
        node = occurrences[0].node
        name = node.name.value
        if name in _INTROSPECTION:
            return self._leaf(key, name, INTROSPECTION_WEIGHT, occurrences)
        field = type_.fields[name]
        path = f"{path}.{key}" if path else key
        weight = self._weights.of_field(type_, field)
        size, sizes = self._size(path, field, node, name, sized)
        arguments = self._values.arguments(field, node)
        parts = _parts(occurrences)
        below = tuple(self.selection(member, parts, sizes, path) for member in self._types(get_named_type(field.type)))
        is_node = is_composite_type(get_named_type(field.type)) and self._weights.of_type(get_named_type(field.type))
        when = frozenset(occurrence.when for occurrence in occurrences)
        return SelectedField(
            key=key,
            name=name,
            weight=weight,
            size=size,
            arguments=arguments,
            below=below,
            cost=self._when(
                when,
                total(
                    [product(size, total([number(weight), largest(selection.cost for selection in below)])), arguments]
                ),
            ),
            nodes=self._when(
                when,
                product(size, total([number(1 if is_node else 0), largest(selection.nodes for selection in below)])),
            ),
        )

    def _leaf(self, key: str, name: str, weight: int, occurrences: list[_Occurrence]) -> SelectedField:
        cost = self._when(frozenset(occurrence.when for occurrence in occurrences), number(weight))
        return SelectedField(key, name, weight, _ONE, number(0), (), cost, number(0))

    def _size(
        self, path: str, field: GraphQLField, node: FieldNode, name: str, sized: "_Sized | None"
    ) -> tuple[Formula, "_Sized | None"]:
        """The size of a field, and what it says of the sizes of the fields below it."""
        lists = dimensions(field.type)
        sizing = self._weights.sizing(field)
        below = None
        if sizing is not None:
            size = self._values.size(path, field, node, sizing)
            if not sizing.fields:
                return power(size, lists), None
            below = _Sized(size, sizing)
        if not lists:
            return _ONE, below
        if sized is not None and name in sized.sizing.fields:
            return power(sized.size, lists), below
        return _ONE, below

    def _types(self, type_: GraphQLNamedType) -> Iterable[GraphQLObjectType]:
        if isinstance(type_, GraphQLObjectType):
            return (type_,)
        return self._schema.get_possible_types(type_) if is_abstract_type(type_) else ()

    def _when(self, conditions: frozenset[Condition], formula: Formula) -> Formula:
        if ALWAYS in conditions or formula.constant == 0:
            return formula
        values = self._values

        def evaluate(variables: Variables) -> int:
            return formula(variables) if values.holds(conditions, variables) else 0

        return function_of(evaluate)


def _parts(occurrences: list[_Occurrence]) -> tuple[_Part, ...]:
    """The selection sets below a field, each once for each condition."""
    parts = {
        (id(occurrence.node.selection_set), occurrence.when): _Part(occurrence.node.selection_set, occurrence.when)
        for occurrence in occurrences
        if occurrence.node.selection_set is not None
    }
    return tuple(parts.values())


@dataclass(frozen=True, slots=True, eq=False)
class _Sized:
    """The size that a connection gives to its lists."""

    size: Formula
    sizing: Sizing
