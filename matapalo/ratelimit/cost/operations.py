"""The costs of one schema's operations: each is compiled once and cached.

Persisted operations are compiled when the process starts (`prepare`) and stay; others are cached by their source, the
least recently used first out. `OperationCost` is what a compiled one knows.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from cachetools import LRUCache
from graphql import DocumentNode
from strawberry import Schema

from matapalo.graphql_core import core_schema
from matapalo.operations.document import Operation
from matapalo.ratelimit.cost.count import count, counted
from matapalo.ratelimit.cost.formula import Variables
from matapalo.ratelimit.cost.plan import is_introspection, plan
from matapalo.ratelimit.cost.weights import Weights


class OperationCost:
    """What one operation costs; ``characters`` is the length of its source."""

    __slots__ = ("_counted", "characters", "is_introspection", "root")

    def __init__(self, weights: Weights, source: str, document: DocumentNode, operation_name: str | None) -> None:
        self.characters = len(source)
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
    """Compiles the cost of an operation, or has it cached. Building it raises `CostsMissing`."""

    def __init__(self, schema: Schema, *, max_characters: int = 4_000_000) -> None:
        self._weights = Weights(core_schema(schema))
        self._prepared: dict[tuple[str, str | None], OperationCost] = {}
        self._cache: LRUCache[tuple[str, str | None], OperationCost] = LRUCache(
            max_characters, getsizeof=lambda cost: cost.characters
        )

    def prepare(self, operations: Iterable[Operation]) -> None:
        """Compile ``operations`` now, and never drop them."""
        for operation in operations:
            cost = OperationCost(self._weights, operation.source, operation.document, operation.name)
            self._prepared[operation.source, operation.name] = cost

    def of(self, source: str, document: DocumentNode, operation_name: str | None) -> OperationCost:
        """The cost of an operation that was validated against this schema."""
        key = (source, operation_name)
        cost = self._prepared.get(key) or self._cache.get(key)
        if cost is None:
            cost = OperationCost(self._weights, source, document, operation_name)
            if cost.characters <= self._cache.maxsize:
                self._cache[key] = cost
        return cost
