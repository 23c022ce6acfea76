"""What persisted operations read of a request."""

from collections.abc import Mapping
from typing import Protocol


class Requested(Protocol):
    """A GraphQL request whose types have been checked (`matapalo.graphql.request.GraphQLParams`)."""

    @property
    def query(self) -> str | None: ...

    @property
    def document_id(self) -> str | None: ...

    @property
    def operation_name(self) -> str | None: ...

    @property
    def extensions(self) -> Mapping[str, object]: ...
