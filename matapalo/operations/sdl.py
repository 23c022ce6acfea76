"""The files in `schema/` that a client's schema determines, as SDL."""

from typing import cast

import strawberry
from graphql import GraphQLDirective, GraphQLObjectType, GraphQLSchema, is_specified_directive
from strawberry import federation
from strawberry.printer import print_schema

from matapalo.graphql_core import core_schema, with_core_schema

_EXECUTABLE = frozenset({"QUERY", "MUTATION", "SUBSCRIPTION", "FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT"})
_KEY = ' @key(fields: "id")'


def render_sdl(schema: strawberry.Schema, client: str) -> dict[str, str]:
    """File name -> text: what clients see, and for a Federation schema the subgraph that a gateway composes."""
    if not isinstance(schema, federation.Schema):
        return {f"{client}.graphql": schema.as_str() + "\n"}
    return {
        f"{client}.graphql": print_schema(_without_federation(schema)).replace(_KEY, "") + "\n",
        f"{client}.subgraph.graphql": schema.as_str() + "\n",
    }


def _without_federation(schema: federation.Schema) -> federation.Schema:
    """The schema as clients see it: no keys, no links, nothing that only a gateway asks for."""
    visible = with_core_schema(schema, _without_entities(core_schema(schema)))
    visible.schema_directives = []
    return visible


def _without_entities(schema: GraphQLSchema) -> GraphQLSchema:
    """No `_service`, no `_entities`, and so none of the types and directives that only those two use."""
    arguments = schema.to_kwargs()
    query = cast(GraphQLObjectType, schema.query_type)
    fields = {name: field for name, field in query.fields.items() if not name.startswith("_")}
    arguments["query"] = GraphQLObjectType(query.name, fields, description=query.description)
    arguments["types"] = None
    arguments["directives"] = tuple(filter(_is_for_clients, schema.directives))
    return GraphQLSchema(**arguments)


def _is_for_clients(directive: GraphQLDirective) -> bool:
    """Whether operations may use it; the others only say something about types."""
    return is_specified_directive(directive) or any(place.name in _EXECUTABLE for place in directive.locations)
