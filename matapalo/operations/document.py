"""GraphQL documents: parsed, held within the armour's limits, validated once, and kept.

An `Operation` is the value that endpoint, persisted operations and executor share: whoever holds one may execute it
against the schema it was validated for; nothing is checked again.

`Documents.find` raises `RequestTooLarge` (tokens), `ParseFailed`, `ValidationFailed` (armour, then the rules of the
GraphQL specification) and `BadUserInput` (no such operation). Refused documents are not kept: they cost their sender's
rate limit, and keeping them would let one client push out what everybody else uses. The armour runs before the
specification's rules, because some of these are quadratic in what it bounds.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeNode,
    ValueNode,
    VariableDefinitionNode,
    parse,
    specified_rules,
    validate,
)
from graphql.language import ListTypeNode, NonNullTypeNode
from strawberry import Schema
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from matapalo.errors import BadUserInput, DocumentRefused, Flaw, ParseFailed, RequestTooLarge, ValidationFailed

OperationKind = Literal["query", "mutation", "subscription"]

# Classes made once: a rule class per request would defeat every cache keyed by it.
_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
_MAX_REPORTED_ERRORS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operation of a document. ``id`` is the lower-case hex SHA-256 of ``source`` (UTF-8)."""

    id: str
    source: str
    document: DocumentNode
    name: str | None
    kind: OperationKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a document may ask for. Fields and aliases count as if every fragment were written out where it is spread.

    ``tokens`` bounds the fields, too: a document may not unfold into more than it could have spelled out. Depth counts
    fields; introspection has its own depth, bounded by the specification's rules.
    """

    tokens: int = 2_000
    depth: int = 12
    aliases: int = 30
    root_fields: int = 20
    fields_per_selection: int = 120
    directives: int = 40
    introspection: bool = False

    @property
    def nesting(self) -> int:
        """How deep selection sets may nest, fragments included: keeps every walk far from the recursion limit."""
        return 4 * self.depth


@dataclass(frozen=True, slots=True)
class _Extent:
    """How large a selection is when written out."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0

    def beside(self, other: "_Extent") -> "_Extent":
        return _Extent(
            max(self.depth, other.depth),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.directives + other.directives,
        )


class Documents:
    """The validated documents of one schema: ``max_characters`` of source text, the least recently used first out."""

    def __init__(self, schema: Schema, limits: Limits, *, max_characters: int = 4_000_000) -> None:
        self._schema = schema._schema  # graphql-core's schema, which Strawberry wraps and does not name publicly
        self._limits = limits
        self._max_characters = max_characters
        self._characters = 0
        self._known: OrderedDict[str, dict[str | None, Operation]] = OrderedDict()

    def find(self, source: str, operation_name: str | None) -> Operation:
        """The operation of ``source`` that ``operation_name`` means (None: the only one)."""
        operations = self._known.get(source)
        if operations is None:
            operations = self.read(source)
            self._keep(source, operations)
        else:
            self._known.move_to_end(source)
        return choose(operations, operation_name)

    def read(self, source: str) -> dict[str | None, Operation]:
        """The operations of ``source`` by name, checked anew and not kept."""
        document = _parsed(source, self._limits)
        check_extent(document, self._limits)
        errors = validate(
            self._schema,
            document,
            _RULES,
            max_errors=_MAX_REPORTED_ERRORS,
            hide_suggestions=not self._limits.introspection,
        )
        if errors and errors[0].message == "Validation aborted.":  # the budget for comparing fields is spent
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

    def _keep(self, source: str, operations: dict[str | None, Operation]) -> None:
        self._known[source] = operations
        self._characters += len(source)
        while self._characters > self._max_characters:
            dropped, _ = self._known.popitem(last=False)
            self._characters -= len(dropped)


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


def check_extent(document: DocumentNode, limits: Limits) -> None:
    """Raise `ValidationFailed` when an operation of ``document`` asks for more than ``limits`` allow."""
    armour = _Armour(document, limits)
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if not operations:
        raise ValidationFailed("The document has no operation")
    for operation in operations:
        armour.check(operation)


class _Armour:
    """One walk over a document; each fragment is measured once."""

    def __init__(self, document: DocumentNode, limits: Limits) -> None:
        self._limits = limits
        self._fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        self._measured: dict[str, _Extent] = {}
        self._open: set[str] = set()

    def check(self, operation: OperationDefinitionNode) -> None:
        limits = self._limits
        _at_most(len(operation.selection_set.selections), limits.root_fields, "root fields")
        _at_most(len(operation.directives or ()), limits.directives, "directives")
        for variable in operation.variable_definitions or ():
            self._check_variable(variable)
        extent = self._selection(operation.selection_set, level=1)
        _at_most(extent.depth, limits.depth, "levels of fields")
        _at_most(extent.aliases, limits.aliases, "aliases")
        _at_most(extent.directives, limits.directives, "directives")
        # A fragment unused by any operation is refused by the specification's rules without being walked deep.
        for name in self._fragments:
            self._fragment(name, level=1)

    def _check_variable(self, variable: VariableDefinitionNode) -> None:
        kind: TypeNode = variable.type
        for _ in range(self._limits.depth):
            if not isinstance(kind, ListTypeNode | NonNullTypeNode):
                break
            kind = kind.type
        else:
            raise ValidationFailed(f"The type of ${variable.variable.name.value} nests too deep")
        if variable.default_value is not None:
            self._check_value(variable.default_value, level=1)

    def _selection(self, selections: SelectionSetNode, level: int) -> _Extent:
        _at_most(level, self._limits.nesting, "levels of nesting")
        _at_most(len(selections.selections), self._limits.fields_per_selection, "members in one selection")
        total = _Extent()
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                part = self._field(selection, level)
            elif isinstance(selection, FragmentSpreadNode):
                part = self._fragment(selection.name.value, level + 1)
            elif isinstance(selection, InlineFragmentNode):
                part = self._selection(selection.selection_set, level + 1)
            else:
                raise TypeError(f"GraphQL has no selection of the kind {selection.kind}")
            total = total.beside(part).beside(_Extent(directives=len(selection.directives or ())))
            _at_most(total.fields, self._limits.tokens, "fields")
        return total

    def _field(self, field: FieldNode, level: int) -> _Extent:
        for argument in field.arguments or ():
            self._check_value(argument.value, level=1)
        inner = _Extent() if field.selection_set is None else self._selection(field.selection_set, level + 1)
        name = field.name.value
        introspects = name in ("__schema", "__type")
        if introspects and not self._limits.introspection:
            raise ValidationFailed(f"Introspection is off here: {name} cannot be asked for")
        return _Extent(
            depth=1 if introspects else inner.depth + 1,
            fields=inner.fields + 1,
            aliases=inner.aliases + (field.alias is not None),
            directives=inner.directives,
        )

    def _fragment(self, name: str, level: int) -> _Extent:
        measured = self._measured.get(name)
        if measured is not None:
            return measured
        fragment = self._fragments.get(name)
        if fragment is None:  # reported, with its place, by the specification's rules
            return _Extent()
        if name in self._open:
            raise ValidationFailed(f"Fragment {name} spreads itself")
        self._open.add(name)
        extent = self._selection(fragment.selection_set, level)
        self._open.discard(name)
        self._measured[name] = extent
        return extent

    def _check_value(self, value: ValueNode, level: int) -> None:
        _at_most(level, self._limits.depth, "levels in one argument")
        inner: Iterable[ValueNode] = ()
        if isinstance(value, ListValueNode):
            inner = value.values
        elif isinstance(value, ObjectValueNode):
            inner = [each.value for each in value.fields]
        for each in inner:
            self._check_value(each, level + 1)


def _at_most(found: int, allowed: int, what: str) -> None:
    if found > allowed:
        raise ValidationFailed(f"The document has more than {allowed} {what}, the most allowed here")


def _parsed(source: str, limits: Limits) -> DocumentNode:
    try:
        return parse(source, max_lexical_tokens=limits.tokens, max_comments=limits.tokens)
    except GraphQLError as error:
        if error.message.endswith("Parsing aborted."):  # too many tokens or comments, or nested too deep to parse
            raise RequestTooLarge(f"{error.message.removeprefix('Syntax Error: ')}") from None
        raise _refusal(ParseFailed, [error]) from None


def _refusal(kind: type[DocumentRefused], errors: Iterable[GraphQLError]) -> DocumentRefused:
    flaws = [
        Flaw(error.message, tuple((place.line, place.column) for place in error.locations or ())) for error in errors
    ]
    return kind(flaws[0].message, flaws=flaws)
