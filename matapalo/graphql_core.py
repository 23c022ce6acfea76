"""The only module that uses what graphql-core and Strawberry do not offer publicly.

Strawberry does not name the schema it wraps, graphql-core completes values in methods that its documentation leaves
out, and both tell some errors apart by their messages only. `tests/matapalo/test_graphql_core.py` records the versions
and signatures this was written for: it fails when one changes, and says what to look at.
"""

import copy
from collections.abc import Iterable
from typing import Any, TypeVar

import strawberry
from graphql import GraphQLError, GraphQLField, GraphQLObjectType, GraphQLSchema, specified_rules
from graphql.execution.collect_fields import FieldDetailsList
from graphql.pyutils import AwaitableOrValue, Path, gather_with_cancel
from strawberry.execution import optimized_is_awaitable
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.utils.await_maybe import await_maybe

__all__ = [
    "VALIDATION_RULES",
    "AwaitableOrValue",
    "CoreExecutor",
    "FieldDetailsList",
    "Path",
    "SchemaExtensionsRunner",
    "await_maybe",
    "core_schema",
    "definition_of",
    "gather_with_cancel",
    "is_parsing_aborted",
    "is_validation_aborted",
    "optimized_is_awaitable",
    "with_core_schema",
]

S = TypeVar("S", bound=strawberry.Schema)

#: Classes made once: a rule class per request would defeat every cache keyed by it.
VALIDATION_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)


def core_schema(schema: strawberry.Schema) -> GraphQLSchema:
    """graphql-core's schema, which Strawberry's wraps."""
    return schema._schema


def with_core_schema(schema: S, core: GraphQLSchema) -> S:
    """A copy of ``schema`` that wraps ``core``: only for printing it."""
    changed = copy.copy(schema)
    changed._schema = core
    return changed


def definition_of(element: Any) -> Any | None:
    """Strawberry's definition of a type, a field or an argument of graphql-core's schema."""
    return element.extensions.get("strawberry-definition")


def is_validation_aborted(errors: Iterable[GraphQLError]) -> bool:
    """Whether the budget for comparing fields is spent: graphql-core reports that as the only error."""
    return any(error.message == "Validation aborted." for error in errors)


def is_parsing_aborted(error: GraphQLError) -> bool:
    """Whether a document has too many tokens or comments, or is nested too deep to be parsed."""
    return error.message.endswith("Parsing aborted.")


class CoreExecutor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor, as Strawberry runs it, with names for what `matapalo.execution.levels` needs of it."""

    @property
    def is_plain(self) -> bool:
        """Whether nothing observes or changes the execution of single fields."""
        middleware = self.middleware_manager
        return (
            (middleware is None or not middleware.middlewares)
            and self.abort_signal is None
            and self.hooks is None
            and self.error_propagation
        )

    def subfields(
        self, object_type: GraphQLObjectType, details: FieldDetailsList
    ) -> dict[str, FieldDetailsList] | None:
        """The selected fields of an object by response name; None when some are deferred."""
        grouped, defer_usages, _ = self.collect_subfields(object_type, details)
        return None if defer_usages else grouped

    def complete_field(
        self, field: GraphQLField, details: FieldDetailsList, parent_type: GraphQLObjectType, path: Path, value: Any
    ) -> AwaitableOrValue[Any]:
        """Complete what a nullable field resolved to; its failure is collected, and null in its place."""
        info = self.build_resolve_info(field, [detail.node for detail in details], parent_type, path)
        try:
            completed = self.complete_value(field.type, details, info, path, value, None)
        except Exception as error:  # as in graphql-core: whatever completing raises is the field's error
            self.handle_field_error(error, field.type, details, path)
            return None
        return self._awaited(field, details, path, completed) if self.is_awaitable(completed) else completed

    async def _awaited(self, field: GraphQLField, details: FieldDetailsList, path: Path, completed: Any) -> Any:
        try:
            return await completed
        except Exception as error:  # as above
            self.handle_field_error(error, field.type, details, path)
            return None
