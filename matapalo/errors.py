"""Everything the BFF refuses or reports on purpose: a class line says code, status, and whether repeating may help.

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

    def __init_subclass__(
        cls, *, code: str | None = None, http_status: int | None = None, retryable: bool | None = None
    ) -> None:
        cls.code = cls.code if code is None else code
        cls.http_status = cls.http_status if http_status is None else http_status
        cls.retryable = cls.retryable if retryable is None else retryable

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


class RequestError(BffError, http_status=400):
    """The request itself is wrong: nothing was executed."""


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


class ParseFailed(DocumentRefused, code="GRAPHQL_PARSE_FAILED"):
    """The document is no GraphQL."""


class ValidationFailed(DocumentRefused, code="GRAPHQL_VALIDATION_FAILED"):
    """The document does not fit the schema, or is larger than the schema allows."""


class BadUserInput(RequestError, code="BAD_USER_INPUT"):
    """The request or its variables have the wrong shape."""


class RequestTooLarge(RequestError, code="REQUEST_TOO_LARGE", http_status=413):
    """The body is over the limit."""


class PersistedQueryNotFound(RequestError, code="PERSISTED_QUERY_NOT_FOUND", http_status=404):
    """No operation with this hash is known."""


class OperationNotAllowed(RequestError, code="OPERATION_NOT_ALLOWED", http_status=403):
    """This endpoint takes persisted operations only, or this operation not in this way."""


class Unauthenticated(RequestError, code="UNAUTHENTICATED", http_status=401):
    """A token was sent and is not good, or none was sent where one is needed."""


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


class CostTooExpensive(Denied, code="COST_TOO_EXPENSIVE"):
    """The operation costs more than the viewer's bucket can ever hold."""


class RateLimited(Denied, code="RATE_LIMITED", http_status=429, retryable=True):
    """A window or the cost bucket is used up. ``retry_after_s`` is exact."""


class ConcurrencyLimited(Denied, code="CONCURRENCY_LIMITED", http_status=429, retryable=True):
    """Too many operations or subscriptions of the viewer run at once."""


class RateLimiterUnavailable(Denied, code="RATE_LIMITER_UNAVAILABLE", http_status=503, retryable=True):
    """The limiter's store is away, and a policy says that nothing may run then."""


class Forbidden(BffError, code="FORBIDDEN", http_status=403):
    """The viewer is known and may not do this."""


class NotFound(BffError, code="NOT_FOUND", http_status=404):
    """The thing does not exist, or is not the viewer's: the two are not told apart."""


class IdempotencyKeyMissing(BffError, code="IDEMPOTENCY_KEY_MISSING", http_status=400):
    """The mutation needs a key and got none."""


class IdempotencyKeyInvalid(BffError, code="IDEMPOTENCY_KEY_INVALID", http_status=400):
    """The key is malformed."""


class IdempotencyKeyReused(BffError, code="IDEMPOTENCY_KEY_REUSED", http_status=422):  # not 409, which clients repeat
    """The key was used before, with other arguments."""


class IdempotencyInProgress(BffError, code="IDEMPOTENCY_IN_PROGRESS", http_status=409, retryable=True):
    """Another request under the key is still running; the same request gets its response later."""


class IdempotencyOutcomeUnknown(BffError, code="IDEMPOTENCY_OUTCOME_UNKNOWN", http_status=409):
    """An earlier request under the key may or may not have had its effect: there is no record of it."""


class IdempotencyStoreUnavailable(BffError, code="IDEMPOTENCY_STORE_UNAVAILABLE", http_status=503, retryable=True):
    """Whether the key was used cannot be known, and without that the mutation might happen twice."""


class UpstreamError(BffError, http_status=502):
    """A REST service behind the gateway gave no useful response."""


class UpstreamTimeout(UpstreamError, code="UPSTREAM_TIMEOUT", http_status=504, retryable=True):
    """No response within the call's share of the deadline."""


class UpstreamUnavailable(UpstreamError, code="UPSTREAM_UNAVAILABLE", retryable=True):
    """No connection, a 5xx, or a body that cannot be read."""


class UpstreamRejected(UpstreamError, code="UPSTREAM_REJECTED"):
    """A 4xx to a request that we made. ``problem`` is for our code; clients see the message only."""

    def __init__(self, message: str, *, problem: Problem) -> None:
        super().__init__(message)
        self.problem = problem


class WorkflowsUnavailable(BffError, code="WORKFLOWS_UNAVAILABLE", http_status=503, retryable=True):
    """Temporal cannot be reached: reads work, mutations do not."""


class Overloaded(BffError, code="OVERLOADED", http_status=503, retryable=True):
    """Too much is in flight in this process."""
