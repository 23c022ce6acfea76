"""GraphQL documents: parsed, held within the document limits, validated once, and cached.

An `Operation` is the value that endpoint, persisted operations and executor share: it may be executed against
the schema it was validated for, and nothing is checked again.

`Documents.find` raises `RequestTooLarge` (tokens), `ParseFailed`, `ValidationFailed` (document limits, then the rules
of the GraphQL specification) and `BadUserInput` (no such operation). Refused documents are not cached: they cost their
sender's rate limit, and caching them would let one client push out what every other one uses.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from cachetools import LRUCache
from graphql import DocumentNode, GraphQLError, OperationDefinitionNode, parse, validate
from strawberry import Schema

from matapalo.errors import BadUserInput, DocumentRefused, Flaw, ParseFailed, RequestTooLarge, ValidationFailed
from matapalo.graphql_core import VALIDATION_RULES, core_schema, is_parsing_aborted, is_validation_aborted
from matapalo.operations.limits import DocumentLimits, check_limits

OperationKind = Literal["query", "mutation", "subscription"]

_MAX_REPORTED_ERRORS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operation of a document. ``id`` is the lower-case hex SHA-256 of ``source`` (UTF-8)."""

    id: str
    source: str
    document: DocumentNode
    name: str | None
    kind: OperationKind


_Operations = dict[str | None, Operation]


class Documents:
    """The validated documents of one schema: ``max_characters`` of source text, the least recently used first out."""

    def __init__(self, schema: Schema, limits: DocumentLimits, *, max_characters: int = 4_000_000) -> None:
        self._core = core_schema(schema)
        self._limits = limits
        self._cache: LRUCache[str, _Operations] = LRUCache(max_characters, getsizeof=_characters)

    def find(self, source: str, operation_name: str | None) -> Operation:
        """The operation of ``source`` that ``operation_name`` means (None: the only one)."""
        operations = self._cache.get(source)
        if operations is None:
            operations = self.read(source)
            if len(source) <= self._cache.maxsize:
                self._cache[source] = operations
        return choose(operations, operation_name)

    def read(self, source: str) -> _Operations:
        """The operations of ``source`` by name, checked anew and not cached."""
        document = _parsed(source, self._limits)
        check_limits(document, self._limits)
        errors = validate(
            self._core,
            document,
            VALIDATION_RULES,
            max_errors=_MAX_REPORTED_ERRORS,
            hide_suggestions=not self._limits.introspection,
        )
        if is_validation_aborted(errors):
            raise ValidationFailed("The document selects the same fields too often to be validated")
        if errors:
            raise _refusal(ValidationFailed, errors)
        identity = sha256(source.encode()).hexdigest()
        return {
            name: Operation(identity, source, document, name, definition.operation.value)
            for definition in document.definitions
            if isinstance(definition, OperationDefinitionNode)
            for name in [definition.name.value if definition.name else None]
        }


def choose(operations: Mapping[str | None, Operation], operation_name: str | None) -> Operation:
    """The operation a request means among those of its document."""
    if operation_name is None and len(operations) == 1:
        return next(iter(operations.values()))
    chosen = operations.get(operation_name)
    if chosen is not None:
        return chosen
    names = ", ".join(sorted(name for name in operations if name is not None)) or "one without a name"
    if operation_name is None:
        raise BadUserInput(f"operationName is missing: the document has several operations ({names})")
    raise BadUserInput(f"operationName {operation_name[:100]!r} is unknown: the document has {names}")


def _characters(operations: _Operations) -> int:
    return len(next(iter(operations.values())).source)


def _parsed(source: str, limits: DocumentLimits) -> DocumentNode:
    try:
        return parse(source, max_lexical_tokens=limits.tokens, max_comments=limits.tokens)
    except GraphQLError as error:
        if is_parsing_aborted(error):
            raise RequestTooLarge(f"{error.message.removeprefix('Syntax Error: ')}") from None
        raise _refusal(ParseFailed, [error]) from None


def _refusal(kind: type[DocumentRefused], errors: Iterable[GraphQLError]) -> DocumentRefused:
    flaws = [
        Flaw(error.message, tuple((place.line, place.column) for place in error.locations or ())) for error in errors
    ]
    return kind(flaws[0].message, flaws=flaws)
