"""What a GraphQL request carries besides its operation: facts that resolvers and REST calls need."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """Facts of one HTTP request (or one WebSocket subscription).

    ``deadline_s`` is on the clock's monotonic scale, infinite for a subscription (its resolvers set their own);
    ``client_ip`` is the address the edge vouches for.
    ``canary`` has passed ``[a-z0-9-]{1,32}``; ``traceparent`` is forwarded as it came, or made here.
    ``idempotency_keys`` has the key of each root field of a mutation by its response name, None without.
    """

    request_id: str
    traceparent: str
    deadline_s: float
    client_ip: str
    client_name: str | None = None
    client_version: str | None = None
    canary: str | None = None
    idempotency_keys: Mapping[str, str | None] = field(default_factory=dict)

    def forwarded_headers(self) -> dict[str, str]:
        """The headers every REST call of this request carries, identity aside."""
        headers = {"x-request-id": self.request_id, "traceparent": self.traceparent}
        optional = {
            "x-canary": self.canary,
            "x-client-name": self.client_name,
            "x-client-version": self.client_version,
        }
        return headers | {name: value for name, value in optional.items() if value is not None}


@dataclass(frozen=True, slots=True)
class GraphQLParams:
    """The members of a GraphQL-over-HTTP request, types checked. ``query`` is None for a persisted one.

    ``document_id`` names a persisted operation (`documentId`, of the persisted-documents draft of the specification);
    ``extensions["persistedQuery"]`` is the other way to name one.
    """

    query: str | None
    document_id: str | None = None
    operation_name: str | None = None
    variables: dict[str, object] = field(default_factory=dict)
    extensions: dict[str, object] = field(default_factory=dict)
