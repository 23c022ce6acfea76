"""The costs of one schema's operations: each is compiled once and kept.

Persisted operations are compiled when the process starts (`prepare`) and stay; others are kept by their source, the
least recently used first out. `OperationCost` is what a compiled one knows.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from graphql import DocumentNode
from strawberry import Schema

from matapalo.operations.document import Operation
from matapalo.ratelimit.cost.count import count, counted
from matapalo.ratelimit.cost.formula import Variables
from matapalo.ratelimit.cost.plan import is_introspection, plan
from matapalo.ratelimit.cost.weights import Weights


class OperationCost:
    """What one operation costs."""

    __slots__ = ("_counted", "is_introspection", "root")

    def __init__(self, weights: Weights, document: DocumentNode, operation_name: str | None) -> None:
        self.root = plan(weights, document, operation_name)
        self.is_introspection = is_introspection(self.root)
        self._counted = counted((self.root,))

    def estimate(self, variables: Variables) -> int:
        """The most points it can cost. Raises `BadUserInput` when a required slicing argument is missing."""
        return self.root.cost(variables)

    def nodes(self, variables: Variables) -> int:
        """The most objects it can return."""
        return self.root.nodes(variables)

    def actual(self, data: Mapping[str, Any] | None, variables: Variables, replayed: Collection[str] = ()) -> int:
        """What ``data`` cost; root fields in ``replayed`` count 1."""
        return count(self._counted, data, variables, replayed)


class Costs:
    """Finds or compiles the cost of an operation. Building it raises `CostsMissing`
    (`matapalo.ratelimit.cost.weights`)."""

    def __init__(self, schema: Schema, *, max_characters: int = 4_000_000) -> None:
        self._weights = Weights(schema._schema)  # graphql-core's schema, which Strawberry does not name publicly
        self._prepared: dict[tuple[str, str | None], OperationCost] = {}
        self._known: OrderedDict[tuple[str, str | None], OperationCost] = OrderedDict()
        self._max_characters = max_characters
        self._characters = 0

    def prepare(self, operations: Iterable[Operation]) -> None:
        """Compile ``operations`` now, and never forget them."""
        for each in operations:
            cost = OperationCost(self._weights, each.document, each.name)
            self._prepared[each.source, each.name] = cost

    def of(self, source: str, document: DocumentNode, operation_name: str | None) -> OperationCost:
        """The cost of an operation that was validated against this schema."""
        key = (source, operation_name)
        found = self._prepared.get(key) or self._known.get(key)
        if found is None:
            found = self._known[key] = OperationCost(self._weights, document, operation_name)
            self._characters += len(source)
            while self._characters > self._max_characters and len(self._known) > 1:
                (dropped, _), _ = self._known.popitem(last=False)
                self._characters -= len(dropped)
        elif key in self._known:
            self._known.move_to_end(key)
        return found
