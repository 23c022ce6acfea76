"""Idempotency keys as clients send them: which key belongs to which root field, checked before limits and execution.

A key comes with `@idempotent(key:)` on a root field or with the header `Idempotency-Key`, for the whole operation:
bare, or in the quotes that draft-ietf-httpapi-idempotency-key wants (`"8e03978e…"`), 1 to 255 visible ASCII characters.
Under one header several root fields have a key each, made of the header's and the field's response name. Refused here,
before anything runs: a required key that is missing, a malformed one, two that differ, and `@idempotent` on a field
that makes no such promise. Queries ignore keys.
"""

import re
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
from matapalo.graphql_core import core_schema
from matapalo.idempotency.idempotent import IDEMPOTENT_DIRECTIVE, Idempotent
from matapalo.operations.document import Operation

_NO_KEYS: Mapping[str, str | None] = {}
_VISIBLE = re.compile(r"[\x21-\x7e]{1,255}")


def declare_idempotency(schema: Schema) -> None:
    """Let operations on a schema that was just built say `@idempotent(key:)`."""
    core = core_schema(schema)  # Strawberry's own way would run a resolver extension on every field
    core.directives = (*core.directives, IDEMPOTENT_DIRECTIVE)


def parse_key(text: str) -> str:
    """The key in a header or an argument, without its quotes. Raises `IdempotencyKeyInvalid`."""
    quoted = len(text) >= 2 and text[0] == text[-1] == '"'
    key = text[1:-1] if quoted else text
    if not _VISIBLE.fullmatch(key):
        raise IdempotencyKeyInvalid("an Idempotency-Key has 1 to 255 visible ASCII characters")
    return key


class KeyReader:
    """Reads the keys of one schema's operations."""

    def __init__(self, schema: Schema) -> None:
        self._core = core_schema(schema)
        mutation = self._core.mutation_type
        fields = {} if mutation is None else mutation.fields
        self._idempotent_fields: dict[str, Idempotent] = {}
        for name, field in fields.items():
            definition = field.extensions.get("strawberry-definition")
            extensions = definition.extensions if isinstance(definition, StrawberryField) else []
            for extension in extensions:
                if isinstance(extension, Idempotent):
                    self._idempotent_fields[name] = extension

    def __call__(
        self, operation: Operation, variables: Mapping[str, Any], header: str | None
    ) -> Mapping[str, str | None]:
        """The key of each root field of a mutation by its response name, None without; empty for anything else.

        Raises `IdempotencyKeyMissing` and `IdempotencyKeyInvalid`.
        """
        if operation.kind != "mutation":
            return _NO_KEYS
        header_key = None if header is None else parse_key(header)
        roots = self._roots(operation, variables)
        if roots is None:
            return _NO_KEYS
        keys: dict[str, str | None] = {}
        for name, (field, own_key) in roots.items():
            key = self._key(field, own_key, header_key)
            keys[name] = f"{key}/{name}" if key is not None and own_key is None and len(roots) > 1 else key
        return keys

    def _key(self, field: str, own_key: str | None, header_key: str | None) -> str | None:
        idempotent = self._idempotent_fields.get(field)
        if own_key is not None and idempotent is None:
            raise IdempotencyKeyInvalid(f"{field} takes no key: sending it twice does it twice")
        if own_key is not None and header_key is not None and own_key != header_key:
            raise IdempotencyKeyInvalid(
                f"{field} has two keys, in @idempotent and in Idempotency-Key: send one of them"
            )
        key = own_key if own_key is not None else header_key
        if key is None and idempotent is not None and idempotent.required:
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
        for node in _selected_fields(definition.selection_set, fragments, coerced):
            directive = get_directive_values(IDEMPOTENT_DIRECTIVE, node, coerced) if node.directives else None
            own_key = None if directive is None else parse_key(directive["key"])
            name = node.alias.value if node.alias else node.name.value
            _, earlier_key = roots.get(name, ("", None))
            if own_key is not None and earlier_key is not None and own_key != earlier_key:
                raise IdempotencyKeyInvalid(f"{name} has two keys: the field is selected twice")
            roots[name] = (node.name.value, own_key if own_key is not None else earlier_key)
        return roots


def _parts(operation: Operation) -> tuple[OperationDefinitionNode, dict[str, FragmentDefinitionNode]]:
    fragments: dict[str, FragmentDefinitionNode] = {}
    operations: dict[str | None, OperationDefinitionNode] = {}
    for definition in operation.document.definitions:
        if isinstance(definition, FragmentDefinitionNode):
            fragments[definition.name.value] = definition
        elif isinstance(definition, OperationDefinitionNode):
            operations[definition.name.value if definition.name else None] = definition
    return operations[operation.name], fragments


def _selected_fields(
    selection: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], variables: Any
) -> Iterator[FieldNode]:
    """The fields of a root selection that will run: on an object type, so every fragment applies."""
    for node in selection.selections:
        if node.directives and not _is_included(node, variables):
            continue
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, FragmentSpreadNode):
            yield from _selected_fields(fragments[node.name.value].selection_set, fragments, variables)
        else:
            yield from _selected_fields(node.selection_set, fragments, variables)  # type: ignore[attr-defined]


def _is_included(node: Any, variables: Any) -> bool:
    skip = get_directive_values(GraphQLSkipDirective, node, variables)
    include = get_directive_values(GraphQLIncludeDirective, node, variables)
    return not (skip and skip["if"]) and not (include is not None and not include["if"])
