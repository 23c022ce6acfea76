"""The web schema: a Federation 2 subgraph. Built once per process; `render_sdl` is what `schema/` is generated from."""

import copy
from typing import Literal, cast

from graphql import GraphQLObjectType, GraphQLSchema, specified_directives
from strawberry.federation import Schema
from strawberry.printer import print_schema

from bff.web.federation import WebSchema
from bff.web.mutations import WebMutation
from bff.web.queries import WebQuery
from bff.web.subscriptions import WebSubscription
from matapalo import IDEMPOTENT_DIRECTIVE, check_schema, declare_idempotency, drop_null_defaults

#: The oldest version that has what we use (`@key`): every gateway composes it, which is not so of the newest.
FEDERATION_VERSION: Literal["2.0"] = "2.0"

_KEY = ' @key(fields: "id")'


_KEY = ' @key(fields: "id")'


def build_schema() -> Schema:
    """The schema, with every projection checked against its model. Raises `matapalo.execution.check.SchemaMismatch`."""
    schema = WebSchema(
        query=WebQuery,
        mutation=WebMutation,
        subscription=WebSubscription,
        federation_version=FEDERATION_VERSION,
    )
    declare_idempotency(schema)
    check_schema(schema)
    drop_null_defaults(schema)
    return schema


def render_sdl() -> dict[str, str]:
    """File name -> text: what clients of the web schema see, and the subgraph that a federation gateway composes."""
    schema = build_schema()
    return {
        "web.graphql": print_schema(_without_federation(schema)).replace(_KEY, "") + "\n",
        "web.subgraph.graphql": schema.as_str() + "\n",
    }


def _without_federation(schema: Schema) -> Schema:
    """The schema as clients see it: no keys, no links, nothing that only a gateway asks for."""
    seen = copy.copy(schema)
    seen._schema = _without_entities(schema._schema)
    seen.schema_directives = []
    return seen


def _without_entities(schema: GraphQLSchema) -> GraphQLSchema:
    """No `_service`, no `_entities`, and so none of the types that only those two use."""
    arguments = schema.to_kwargs()
    query = cast(GraphQLObjectType, schema.query_type)
    fields = {name: field for name, field in query.fields.items() if not name.startswith("_")}
    arguments["query"] = GraphQLObjectType(query.name, fields, description=query.description)
    arguments["types"] = None
    arguments["directives"] = (*specified_directives, IDEMPOTENT_DIRECTIVE)
    return GraphQLSchema(**arguments)
