"""Arguments without a default that says something have none: ``after: String``, not ``after: String = null``.

Python needs ``after: str | None = None`` to make an argument optional, and Strawberry shows the None to clients.
Without it an absent argument still reaches the resolver as its own default.
"""

from collections.abc import Iterator

import strawberry
from graphql import GraphQLArgument, GraphQLInterfaceType, GraphQLObjectType, Undefined

from matapalo.graphql_core import core_schema


def drop_null_defaults(schema: strawberry.Schema) -> None:
    """Remove every argument default of null from a schema that was just built."""
    for argument in _arguments(schema):
        if argument.default_value is None:
            argument.default_value = Undefined


def _arguments(schema: strawberry.Schema) -> Iterator[GraphQLArgument]:
    for type_ in core_schema(schema).type_map.values():
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and not type_.name.startswith("__"):
            for field in type_.fields.values():
                yield from field.args.values()
