"""The mobile schema. Built once per process; `render_sdl` is what `schema/` is generated from."""

import strawberry

from bff.mobile.mutations import MobileMutation
from bff.mobile.queries import MobileQuery
from bff.mobile.subscriptions import MobileSubscription
from matapalo import check_schema, declare_idempotency, drop_null_defaults


def build_schema() -> strawberry.Schema:
    """The schema, with every projection checked against its model. Raises `matapalo.execution.check.SchemaMismatch`."""
    schema = strawberry.Schema(query=MobileQuery, mutation=MobileMutation, subscription=MobileSubscription)
    declare_idempotency(schema)
    check_schema(schema)
    drop_null_defaults(schema)
    return schema


def render_sdl() -> dict[str, str]:
    """File name -> text: what clients of the mobile schema see."""
    return {"mobile.graphql": build_schema().as_str() + "\n"}
