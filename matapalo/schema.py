"""What the platform adds to a project's schema, and demands of it, before it is served."""

import strawberry

from matapalo.execution.check import check
from matapalo.execution.defaults import drop_null_defaults
from matapalo.idempotency.keys import declare_idempotency


def prepare_schema(schema: strawberry.Schema) -> None:
    """Let operations say `@idempotent(key:)`, hold every projection against its model, leave out defaults of null.

    Raises `SchemaMismatch`.
    """
    declare_idempotency(schema)
    check(schema)
    drop_null_defaults(schema)
