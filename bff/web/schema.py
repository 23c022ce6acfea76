"""The web schema: a Federation 2 subgraph. Built once per process."""

from typing import Literal

from strawberry.federation import Schema

from bff.commerce.customers.loaders import load_customers
from bff.commerce.orders.loaders import load_orders
from bff.commerce.products.loaders import load_products
from bff.web.mutations import WebMutation
from bff.web.queries import WebQuery
from bff.web.subscriptions import WebSubscription
from matapalo import Load, SubgraphSchema, prepare_schema

#: The oldest version that has what we use (`@key`): every gateway composes it, which is not so of the newest.
FEDERATION_VERSION: Literal["2.0"] = "2.0"

#: How each type with ``@key(fields: "id")`` is loaded.
ENTITIES: dict[str, Load] = {"Customer": load_customers, "Order": load_orders, "Product": load_products}


def build_schema() -> Schema:
    """The schema, with every projection checked against its model."""
    schema = SubgraphSchema(
        entities=ENTITIES,
        query=WebQuery,
        mutation=WebMutation,
        subscription=WebSubscription,
        federation_version=FEDERATION_VERSION,
    )
    prepare_schema(schema)
    return schema
