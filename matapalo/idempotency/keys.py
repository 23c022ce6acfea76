"""Which key belongs to which root field of an operation: a gate before limits and execution.

A key comes with `@idempotent(key:)` on a root field or with the header `Idempotency-Key`, for the whole operation.
Under one header several root fields have a key each, made of the header's and the field's response name. Refused here,
before anything runs: a required key that is missing, a malformed one, two that differ, and `@idempotent` on a field
that makes no such promise. Queries ignore keys.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLSkipDirective,
    OperationDefinitionNode,
    SelectionSetNode,
    get_directive_values,
    get_variable_values,
)
from strawberry import Schema
from strawberry.types.field import StrawberryField

from matapalo.errors import IdempotencyKeyInvalid, IdempotencyKeyMissing
from matapalo.idempotency.idempotent import IDEMPOTENT_DIRECTIVE, Idempotent
from matapalo.idempotency.key import parse_key
from matapalo.operations.document import Operation

_NONE: Mapping[str, str | None] = {}


def declare_idempotency(schema: Schema) -> None:
    """Let operations on a schema that was just built say `@idempotent(key:)`."""
    core = schema._schema  # graphql-core's schema; Strawberry's own way would run a resolver extension on every field
    core.directives = (*core.directives, IDEMPOTENT_DIRECTIVE)


class ReadKeys:
    """Reads the keys of one schema's operations."""

    def __init__(self, schema: Schema) -> None:
        self._core = schema._schema
        mutation = self._core.mutation_type
        fields = {} if mutation is None else mutation.fields
        self._declared = {
            name: declared
            for name, field in fields.items()
            for declared in _extensions_of(field.extensions.get("strawberry-definition"))
            if isinstance(declared, Idempotent)
        }

    def __call__(
        self, operation: Operation, variables: Mapping[str, Any], header: str | None
    ) -> Mapping[str, str | None]:
        """The key of each root field of a mutation by its response name, None without; empty for anything else.

        Raises `IdempotencyKeyMissing` and `IdempotencyKeyInvalid`.
        """
        if operation.kind != "mutation":
            return _NONE
        sent = None if header is None else parse_key(header)
        roots = self._roots(operation, variables)
        if roots is None:
            return _NONE
        keys: dict[str, str | None] = {}
        for name, (field, own) in roots.items():
            key = self._key(field, own, sent)
            keys[name] = f"{key}/{name}" if key is not None and own is None and len(roots) > 1 else key
        return keys

    def _key(self, field: str, own: str | None, header: str | None) -> str | None:
        declared = self._declared.get(field)
        if own is not None and declared is None:
            raise IdempotencyKeyInvalid(f"{field} takes no key: sending it twice does it twice")
        if own is not None and header is not None and own != header:
            raise IdempotencyKeyInvalid(
                f"{field} has two keys, in @idempotent and in Idempotency-Key: send one of them"
            )
        key = own if own is not None else header
        if key is None and declared is not None and declared.required:
            raise IdempotencyKeyMissing(
                f"{field} needs a key, so that sending it again is safe: "
                "send the header Idempotency-Key or write @idempotent(key:) on the field"
            )
        return key

    def _roots(self, operation: Operation, variables: Mapping[str, Any]) -> dict[str, tuple[str, str | None]] | None:
        """Response name -> field and its own key; None when variables cannot be coerced, so that nothing will run."""
        definition, fragments = _parts(operation)
        coerced = get_variable_values(self._core, definition.variable_definitions or (), dict(variables), max_errors=1)
        if isinstance(coerced, list):
            return None
        roots: dict[str, tuple[str, str | None]] = {}
        for node in _selected(definition.selection_set, fragments, coerced):
            found = get_directive_values(IDEMPOTENT_DIRECTIVE, node, coerced) if node.directives else None
            own = None if found is None else parse_key(found["key"])
            name = node.alias.value if node.alias else node.name.value
            _, before = roots.get(name, ("", None))
            if own is not None and before is not None and own != before:
                raise IdempotencyKeyInvalid(f"{name} has two keys: the field is selected twice")
            roots[name] = (node.name.value, own if own is not None else before)
        return roots


def _extensions_of(definition: object) -> list[Any]:
    return list(definition.extensions) if isinstance(definition, StrawberryField) else []


def _parts(operation: Operation) -> tuple[OperationDefinitionNode, dict[str, FragmentDefinitionNode]]:
    fragments: dict[str, FragmentDefinitionNode] = {}
    operations: dict[str | None, OperationDefinitionNode] = {}
    for definition in operation.document.definitions:
        if isinstance(definition, FragmentDefinitionNode):
            fragments[definition.name.value] = definition
        elif isinstance(definition, OperationDefinitionNode):
            operations[definition.name.value if definition.name else None] = definition
    return operations[operation.name], fragments


def _selected(
    selection: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], variables: Any
) -> Iterator[FieldNode]:
    """The fields of a root selection that will run: on an object type, so every fragment applies."""
    for node in selection.selections:
        if node.directives and not _runs(node, variables):
            continue
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, FragmentSpreadNode):
            yield from _selected(fragments[node.name.value].selection_set, fragments, variables)
        else:
            yield from _selected(node.selection_set, fragments, variables)  # type: ignore[attr-defined]


def _runs(node: Any, variables: Any) -> bool:
    skip = get_directive_values(GraphQLSkipDirective, node, variables)
    include = get_directive_values(GraphQLIncludeDirective, node, variables)
    return not (skip and skip["if"]) and not (include is not None and not include["if"])
