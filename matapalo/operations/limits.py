"""Document limits: how large, deep and wide an operation may be. Pure.

`check_limits` runs before the specification's rules, because some of these are quadratic in what it bounds, and before
any walk that could meet the recursion limit. The limiters of `strawberry.extensions` are such rules themselves, and
walk a fragment again wherever it is spread, which nested spreads make exponential; here each is measured once.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeNode,
    ValueNode,
    VariableDefinitionNode,
)
from graphql.language import ListTypeNode, NonNullTypeNode

from matapalo.errors import ValidationFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLimits:
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


def check_limits(document: DocumentNode, limits: DocumentLimits) -> None:
    """Raise `ValidationFailed` when an operation of ``document`` asks for more than ``limits`` allow."""
    walk = _Walk(document, limits)
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if not operations:
        raise ValidationFailed("The document has no operation")
    for operation in operations:
        walk.check(operation)


class _Walk:
    """One walk over a document; each fragment is measured once."""

    def __init__(self, document: DocumentNode, limits: DocumentLimits) -> None:
        self._limits = limits
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
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
            inner = [member.value for member in value.fields]
        for member_value in inner:
            self._check_value(member_value, level + 1)


def _at_most(count: int, allowed: int, what: str) -> None:
    if count > allowed:
        raise ValidationFailed(f"The document has more than {allowed} {what}, the most allowed here")
