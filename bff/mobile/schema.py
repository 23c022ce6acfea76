"""The mobile schema. Built once per process."""

import strawberry

from bff.mobile.mutations import MobileMutation
from bff.mobile.queries import MobileQuery
from bff.mobile.subscriptions import MobileSubscription
from matapalo import prepare_schema


def build_schema() -> strawberry.Schema:
    """The schema, with every projection checked against its model."""
    schema = strawberry.Schema(query=MobileQuery, mutation=MobileMutation, subscription=MobileSubscription)
    prepare_schema(schema)
    return schema
