"""What a document says that costs depend on: list sizes, conditions and the weights of arguments.

Values come as literals or from variables. Variables are read as they were sent: a value that does not fit its type
makes the executor reject the whole operation, so nothing depends on what it is taken for here.
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    value_from_ast_untyped,
)

from matapalo.errors import BadUserInput
from matapalo.ratelimit.cost.formula import ZERO, Formula, Variables, function_of, number, total
from matapalo.ratelimit.cost.weights import Sizing, Weights

#: Variables and the values they must have: all of them must hold. Empty: always.
Condition = frozenset[tuple[str, bool]]

ALWAYS: Condition = frozenset()


class Values:
    """Reads the arguments and conditions of one operation."""

    def __init__(self, weights: Weights, operation: OperationDefinitionNode) -> None:
        self._weights = weights
        self._defaults: dict[str, Any] = {
            definition.variable.name.value: value_from_ast_untyped(definition.default_value)
            for definition in operation.variable_definitions or ()
            if definition.default_value is not None
        }

    def condition(self, directives: tuple[DirectiveNode, ...] | None) -> Condition | None:
        """When something with ``directives`` is selected; None for never."""
        conditions: set[tuple[str, bool]] = set()
        for directive in directives or ():
            name = directive.name.value
            if name not in ("skip", "include"):
                continue
            required = name == "include"
            value = next(argument.value for argument in directive.arguments or ())
            if isinstance(value, VariableNode):
                conditions.add((value.name.value, required))
            elif isinstance(value, BooleanValueNode) and value.value is not required:
                return None
        return frozenset(conditions)

    def holds(self, conditions: frozenset[Condition], variables: Variables) -> bool:
        """Whether one of ``conditions`` holds."""
        return any(
            all(self._variable(name, variables) is required for name, required in condition) for condition in conditions
        )

    def size(self, path: str, field: GraphQLField, node: FieldNode, sizing: Sizing) -> Formula:
        """How long a list is at most. Its formula raises `BadUserInput` when a required argument is missing."""
        arguments = {argument.name.value: argument.value for argument in node.arguments or ()}
        slices = [self._slice(field, name, arguments.get(name)) for name in sizing.by]

        def evaluate(variables: Variables) -> int:
            sizes = [size for size in (read(variables) for read in slices) if size is not None]
            if sizing.needs_one and len(sizes) != 1:
                names = " or ".join(sizing.by)
                raise BadUserInput(f"{path} needs exactly one of its arguments {names}: it says how much is asked for")
            return max(0, *sizes) if sizes else sizing.assumed or 0

        uses_variables = any(isinstance(arguments.get(name), VariableNode) for name in sizing.by)
        if uses_variables or sizing.needs_one:
            return function_of(evaluate)
        return number(evaluate({}))

    def arguments(self, field: GraphQLField, node: FieldNode) -> Formula:
        """What the arguments passed to a field cost by themselves."""
        parts: list[Formula] = []
        for passed in node.arguments or ():
            argument = field.args[passed.name.value]
            parts.append(self._argument(self._weights.of_input(argument), get_named_type(argument.type), passed.value))
        return total(parts)

    # --- sizes -------------------------------------------------------------------------------------------------------

    def _slice(self, field: GraphQLField, name: str, node: ValueNode | None) -> Any:
        """A function of variables: the size that one argument says, None when it says none."""
        default = field.args[name].default_value
        absent = None if default is Undefined else _size_in(default)
        if node is None:
            return lambda _: absent
        if isinstance(node, VariableNode):
            variable = node.name.value

            def read(variables: Variables) -> int | None:
                value = self._variable(variable, variables)
                return absent if value is Undefined else _size_in(value)

            return read
        fixed = _size_in(value_from_ast_untyped(node)) if not isinstance(node, ListValueNode) else len(node.values)
        return lambda _: fixed

    def _variable(self, name: str, variables: Variables) -> Any:
        return variables.get(name, self._defaults.get(name, Undefined))

    # --- weights of arguments ----------------------------------------------------------------------------------------

    def _argument(self, weight: int, type_: GraphQLNamedType, node: ValueNode) -> Formula:
        if isinstance(node, NullValueNode) or not (weight or self._weights.weighs(type_)):
            return ZERO
        if isinstance(node, VariableNode):
            name = node.name.value

            def weigh(variables: Variables) -> int:
                value = self._variable(name, variables)
                return 0 if value is None or value is Undefined else weight + self._weigh(type_, value)

            return function_of(weigh)
        return total([number(weight), self._literal(type_, node)])

    def _literal(self, type_: GraphQLNamedType, node: ValueNode) -> Formula:
        if isinstance(node, ListValueNode):
            return total(self._argument(0, type_, item) for item in node.values)
        if isinstance(node, ObjectValueNode) and isinstance(type_, GraphQLInputObjectType):
            return total(
                self._argument(self._weights.of_input(field), get_named_type(field.type), member.value)
                for member in node.fields
                for field in [type_.fields[member.name.value]]
            )
        return ZERO

    def _weigh(self, type_: GraphQLNamedType, value: Any) -> int:
        if isinstance(value, list):
            return sum(self._weigh(type_, item) for item in value)
        if not isinstance(value, Mapping) or not isinstance(type_, GraphQLInputObjectType):
            return 0
        return sum(
            self._weights.of_input(field) + self._weigh(get_named_type(field.type), value[name])
            for name, field in type_.fields.items()
            if value.get(name) is not None
        )


def _size_in(value: Any) -> int | None:
    """The size that an argument's value means: a number, or the length of a list."""
    if isinstance(value, list):
        return len(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value)
    return None
