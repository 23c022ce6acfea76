"""Everything the BFF refuses or reports on purpose.

* BffError
  - RequestError               nothing was executed
    · ParseFailed              GRAPHQL_PARSE_FAILED       (both carry the places in the document)
    · ValidationFailed         GRAPHQL_VALIDATION_FAILED
    · BadUserInput             BAD_USER_INPUT
    · RequestTooLarge          REQUEST_TOO_LARGE
    · PersistedQueryNotFound   PERSISTED_QUERY_NOT_FOUND
    · OperationNotAllowed      OPERATION_NOT_ALLOWED
    · Unauthenticated          UNAUTHENTICATED
    · Denied                   a limit says no
      ~ CostTooExpensive         COST_TOO_EXPENSIVE       (can never fit: no Retry-After)
      ~ RateLimited              RATE_LIMITED, retryable
      ~ ConcurrencyLimited       CONCURRENCY_LIMITED, retryable
      ~ RateLimiterUnavailable   RATE_LIMITER_UNAVAILABLE, retryable
  - Forbidden                  FORBIDDEN
  - NotFound                   NOT_FOUND
  - IdempotencyKeyMissing      IDEMPOTENCY_KEY_MISSING
  - IdempotencyKeyInvalid      IDEMPOTENCY_KEY_INVALID
  - IdempotencyKeyReused       IDEMPOTENCY_KEY_REUSED
  - IdempotencyInProgress      IDEMPOTENCY_IN_PROGRESS, retryable
  - IdempotencyOutcomeUnknown  IDEMPOTENCY_OUTCOME_UNKNOWN
  - IdempotencyStoreUnavailable IDEMPOTENCY_STORE_UNAVAILABLE, retryable
  - UpstreamError              a REST service gave no useful response
    + UpstreamTimeout          UPSTREAM_TIMEOUT, retryable
    + UpstreamUnavailable      UPSTREAM_UNAVAILABLE, retryable (refused, 5xx, an unreadable body)
    + UpstreamRejected         UPSTREAM_REJECTED (a 4xx that is our fault)
  - WorkflowsUnavailable       WORKFLOWS_UNAVAILABLE, retryable
  - Overloaded                 OVERLOADED, retryable

Business outcomes (out of stock, card declined) are not here: they are union members of a mutation's payload.
Bugs are not here either: whatever is no BffError reaches the client as ``INTERNAL``, without its text.
``http_status`` counts only for `application/graphql-response+json` responses without data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """What a service said in `application/problem+json` (RFC 9457). ``slug`` is the last segment of its ``type``."""

    status: int
    slug: str
    title: str
    detail: str = ""
    members: Mapping[str, Any] = field(default_factory=dict)


class BffError(Exception):
    """A failure with a code that clients may rely on. ``retryable``: the same request may succeed later.

    ``nothing_executed``: the whole operation was refused, though the failure has the path of a field.
    ``headers`` are those of the response to a request that it ended.
    Constructed once and not changed afterwards: `matapalo.graphql.response` makes the response of it.
    """

    code: ClassVar[str] = "INTERNAL"
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(
        self, message: str, *, retry_after_s: float | None = None, nothing_executed: bool = False, **details: Any
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s
        self.nothing_executed = nothing_executed
        self.details = details

    def extensions(self) -> dict[str, Any]:
        """What goes into ``errors[].extensions``."""
        extensions: dict[str, Any] = {"code": self.code}
        if self.retryable:
            extensions["retryable"] = True
        if self.retry_after_s is not None:
            extensions["retryAfter"] = round(self.retry_after_s, 3)
        return extensions | self.details


class RequestError(BffError):
    """The request itself is wrong: nothing was executed."""

    http_status = 400


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong with a document, and where: (line, column) pairs from 1, as GraphQL's `locations`."""

    message: str
    locations: tuple[tuple[int, int], ...] = ()


class DocumentRefused(RequestError):
    """The document itself is wrong. ``flaws`` has one entry for each error the client is told."""

    def __init__(self, message: str, *, flaws: Sequence[Flaw] = ()) -> None:
        super().__init__(message)
        self.flaws = tuple(flaws) or (Flaw(message),)


class ParseFailed(DocumentRefused):
    """The document is no GraphQL."""

    code = "GRAPHQL_PARSE_FAILED"


class ValidationFailed(DocumentRefused):
    """The document does not fit the schema, or is larger than the schema allows."""

    code = "GRAPHQL_VALIDATION_FAILED"


class BadUserInput(RequestError):
    """The request or its variables have the wrong shape."""

    code = "BAD_USER_INPUT"


class RequestTooLarge(RequestError):
    """The body is over the limit."""

    code = "REQUEST_TOO_LARGE"
    http_status = 413


class PersistedQueryNotFound(RequestError):
    """No operation with this hash is known."""

    code = "PERSISTED_QUERY_NOT_FOUND"
    http_status = 404


class OperationNotAllowed(RequestError):
    """This endpoint takes persisted operations only, or this operation not in this way."""

    code = "OPERATION_NOT_ALLOWED"
    http_status = 403


class Unauthenticated(RequestError):
    """A token was sent and is not good, or none was sent where one is needed."""

    code = "UNAUTHENTICATED"
    http_status = 401


class Denied(RequestError):
    """A limit says no. ``headers`` and ``cost_extension`` (`extensions.cost`) belong into the response to it."""

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float | None = None,
        headers: Mapping[str, str] | None = None,
        cost_extension: Mapping[str, Any] | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s, **details)
        self.headers = MappingProxyType(dict(headers or {}))
        self.cost_extension = cost_extension


class CostTooExpensive(Denied):
    """The operation costs more than the viewer's bucket can ever hold."""

    code = "COST_TOO_EXPENSIVE"


class RateLimited(Denied):
    """A window or the cost bucket is used up. ``retry_after_s`` is exact."""

    code = "RATE_LIMITED"
    http_status = 429
    retryable = True


class ConcurrencyLimited(Denied):
    """Too many operations or subscriptions of the viewer run at once."""

    code = "CONCURRENCY_LIMITED"
    http_status = 429
    retryable = True


class RateLimiterUnavailable(Denied):
    """The limiter's store is away, and a policy says that nothing may run then."""

    code = "RATE_LIMITER_UNAVAILABLE"
    http_status = 503
    retryable = True


class Forbidden(BffError):
    """The viewer is known and may not do this."""

    code = "FORBIDDEN"
    http_status = 403


class NotFound(BffError):
    """The thing does not exist, or is not the viewer's: the two are not told apart."""

    code = "NOT_FOUND"
    http_status = 404


class IdempotencyKeyMissing(BffError):
    """The mutation needs a key and got none."""

    code = "IDEMPOTENCY_KEY_MISSING"
    http_status = 400


class IdempotencyKeyInvalid(BffError):
    """The key is malformed."""

    code = "IDEMPOTENCY_KEY_INVALID"
    http_status = 400


class IdempotencyKeyReused(BffError):
    """The key was used before, with other arguments."""

    code = "IDEMPOTENCY_KEY_REUSED"
    http_status = 422  # not 409, which clients repeat


class IdempotencyInProgress(BffError):
    """Another request under the key is still running; the same request gets its response later."""

    code = "IDEMPOTENCY_IN_PROGRESS"
    http_status = 409
    retryable = True


class IdempotencyOutcomeUnknown(BffError):
    """An earlier request under the key may or may not have had its effect: there is no record of it."""

    code = "IDEMPOTENCY_OUTCOME_UNKNOWN"
    http_status = 409


class IdempotencyStoreUnavailable(BffError):
    """Whether the key was used cannot be known, and without that the mutation might happen twice."""

    code = "IDEMPOTENCY_STORE_UNAVAILABLE"
    http_status = 503
    retryable = True


class UpstreamError(BffError):
    """A REST service behind the gateway gave no useful response."""

    http_status = 502


class UpstreamTimeout(UpstreamError):
    """No response within the call's share of the deadline."""

    code = "UPSTREAM_TIMEOUT"
    http_status = 504
    retryable = True


class UpstreamUnavailable(UpstreamError):
    """No connection, a 5xx, or a body that cannot be read."""

    code = "UPSTREAM_UNAVAILABLE"
    retryable = True


class UpstreamRejected(UpstreamError):
    """A 4xx to a request that we made. ``problem`` is for our code; clients see the message only."""

    code = "UPSTREAM_REJECTED"

    def __init__(self, message: str, *, problem: Problem) -> None:
        super().__init__(message)
        self.problem = problem


class WorkflowsUnavailable(BffError):
    """Temporal cannot be reached: reads work, mutations do not."""

    code = "WORKFLOWS_UNAVAILABLE"
    http_status = 503
    retryable = True


class Overloaded(BffError):
    """Too much is in flight in this process."""

    code = "OVERLOADED"
    http_status = 503
    retryable = True
