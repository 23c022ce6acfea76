"""Schemas of a project: what the platform adds to one and demands of it, and Federation subgraphs.

A subgraph resolves `_entities` through the same loads as every other field. Strawberry's own resolver takes the
representations one by one, pops ``__typename`` out of the caller's variables, and returns ``data: null`` for all of
them when one is wrong. Here all representations of a type are one load, the variables stay as they came, and a bad
representation is an error (and null) in its own place.
"""

from collections.abc import Awaitable, Mapping
from typing import Any

import strawberry
from strawberry.federation.schema import FederationAny, Schema

from matapalo.errors import BadUserInput
from matapalo.execution.check import check
from matapalo.execution.defaults import drop_null_defaults
from matapalo.execution.relation import Load
from matapalo.graphql_core import core_schema, definition_of
from matapalo.idempotency.keys import declare_idempotency
from matapalo.ratelimit.cost.directives import ListSize


def prepare_schema(schema: strawberry.Schema) -> None:
    """Let operations say `@idempotent(key:)`, hold every projection against its model, leave out defaults of null.

    Raises `SchemaMismatch`.
    """
    declare_idempotency(schema)
    check(schema)
    drop_null_defaults(schema)


class SubgraphSchema(Schema):
    """Strawberry's federation schema. ``entities``: how each type with ``@key(fields: "id")`` is loaded."""

    def __init__(self, *, entities: Mapping[str, Load], **options: Any) -> None:
        super().__init__(**options)
        self._loads = entities
        query = core_schema(self).query_type
        if query is None:
            raise ValueError("a subgraph needs a query type")
        # As long as the list of representations that it is given.
        definition: Any = definition_of(query.fields["_entities"])
        definition.directives.append(ListSize(slicing_arguments=["representations"]))

    def entities_resolver(self, info: strawberry.Info, representations: list[FederationAny]) -> list[FederationAny]:
        """One awaitable or error for each representation, in order; graphql-core completes each in its own place."""
        return [self._entity(info, index, row) for index, row in enumerate(representations)]  # type: ignore[misc]

    def _entity(self, info: strawberry.Info, index: int, representation: Any) -> Awaitable[Any] | BadUserInput:
        if not isinstance(representation, dict):
            return _invalid(index, "is no object", representation)
        type_name = representation.get("__typename")
        load = self._loads.get(type_name) if isinstance(type_name, str) else None
        if load is None:
            return _invalid(index, f"names no entity of this subgraph ({', '.join(self._loads)})", type_name)
        id_ = representation.get("id")
        if not isinstance(id_, str):
            return _invalid(index, "needs a string as id", id_)
        loaded: Awaitable[Any] = info.context.loads.one(load, id_)
        return loaded


def _invalid(index: int, reason: str, value: object) -> BadUserInput:
    argument = f"representations[{index}]"
    return BadUserInput(f"{argument} {reason}", argument=argument, value=value)
