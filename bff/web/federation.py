"""The web schema as a Federation 2 subgraph: `_entities` through the same loads as every other field.

Strawberry's own resolver takes the representations one by one, pops ``__typename`` out of the caller's variables, and
returns ``data: null`` for all of them when one is wrong. Here all representations of a type are one load, the
variables stay as they came, and a bad representation is an error (and null) in its own place.
"""

from collections.abc import Awaitable
from typing import Any

import strawberry
from strawberry.federation.schema import FederationAny, Schema
from strawberry.schema.schema_converter import GraphQLCoreConverter

from bff.commerce.customers.loaders import load_customers
from bff.commerce.graphql import Info
from bff.commerce.orders.loaders import load_orders
from bff.commerce.products.loaders import load_products
from matapalo import BadUserInput, ListSize, Load

#: How each type with ``@key(fields: "id")`` is loaded.
ENTITIES: dict[str, Load] = {"Customer": load_customers, "Order": load_orders, "Product": load_products}


class WebSchema(Schema):
    """Strawberry's federation schema with our `_entities`, which is as long as the list that it is given."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        entities = self._schema.query_type.fields["_entities"]  # type: ignore[union-attr]
        entities.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].directives.append(
            ListSize(slicing_arguments=["representations"])
        )

    def entities_resolver(self, info: strawberry.Info, representations: list[FederationAny]) -> list[FederationAny]:
        """One awaitable or error for each representation, in order; graphql-core completes each in its own place."""
        return [_entity(info, index, representation) for index, representation in enumerate(representations)]  # type: ignore[misc]


def _entity(info: Info, index: int, representation: Any) -> Awaitable[Any] | BadUserInput:
    if not isinstance(representation, dict):
        return _refused(index, "is no object", representation)
    type_name = representation.get("__typename")
    load = ENTITIES.get(type_name) if isinstance(type_name, str) else None
    if load is None:
        return _refused(index, f"names no entity of this subgraph ({', '.join(ENTITIES)})", type_name)
    id_ = representation.get("id")
    if not isinstance(id_, str):
        return _refused(index, "needs a string as id", id_)
    return info.context.loads.one(load, id_)


def _refused(index: int, reason: str, value: object) -> BadUserInput:
    argument = f"representations[{index}]"
    return BadUserInput(f"{argument} {reason}", argument=argument, value=value)
