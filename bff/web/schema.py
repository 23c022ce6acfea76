"""The web schema: a Federation 2 subgraph. Built once per process."""

from typing import Literal

from strawberry.federation import Schema

from bff.web.federation import WebSchema
from bff.web.mutations import WebMutation
from bff.web.queries import WebQuery
from bff.web.subscriptions import WebSubscription
from matapalo import prepare_schema

#: The oldest version that has what we use (`@key`): every gateway composes it, which is not so of the newest.
FEDERATION_VERSION: Literal["2.0"] = "2.0"


def build_schema() -> Schema:
    """The schema, with every projection checked against its model."""
    schema = WebSchema(
        query=WebQuery,
        mutation=WebMutation,
        subscription=WebSubscription,
        federation_version=FEDERATION_VERSION,
    )
    prepare_schema(schema)
    return schema
