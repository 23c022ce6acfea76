"""Every error a service responds with, as `application/problem+json` (RFC 9457), rendered by one function.

* Problem
  - InvalidParameter        422  a field of the request is wrong; `errors[]` names field and value
  - NotFound                404  does not exist, or is not the caller's to know about
  - MethodNotAllowed        405
  - Unauthenticated         401
  - Forbidden               403
  - IdempotencyKeyMissing   400
  - IdempotencyKeyInvalid   400
  - IdempotencyKeyReused    422  the key was used for another request
  - OutOfStock              409
  - PaymentDeclined         402
  - InvalidTransition       409  the resource is not in a state that allows this
  - AlreadyExists           409  the id chosen by the client is taken
  - ServiceUnavailable      503  the database does not answer; retryable
  - InternalError           500  a bug; says nothing about itself to the outside

`type` is `/problems/<slug>` and stable; `detail` is for people. Raise a `Problem` anywhere below an endpoint.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NotRequired

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from typing_extensions import TypedDict

MEDIA_TYPE = "application/problem+json"
LONGEST_ECHO = 200


class FieldError(TypedDict):
    """One field of the request that is wrong."""

    field: str
    value: NotRequired[Any]
    message: str


class ProblemBody(TypedDict):
    """The wire shape of every error."""

    type: str
    title: str
    status: int
    detail: str
    instance: NotRequired[str]
    errors: NotRequired[list[FieldError]]


class Problem(Exception):
    """An error that the caller must see. ``extensions`` are additional members of the body."""

    slug: ClassVar[str]
    title: ClassVar[str]
    status: ClassVar[int]
    always: ClassVar[Mapping[str, str]] = {}
    """Headers that every problem of the class has."""

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        extensions: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = list(errors)
        self.extensions = dict(extensions or {})
        self.headers = {**self.always, **(headers or {})}


class InvalidParameter(Problem):
    slug, title, status = "invalid-parameter", "Invalid parameter", 422

    @classmethod
    def field(cls, name: str, value: object, message: str) -> "InvalidParameter":
        """The common case: one field is wrong."""
        return cls(f"{name}: {message}", errors=[{"field": name, "value": _echo(value), "message": message}])


class NotFound(Problem):
    slug, title, status = "not-found", "Not found", 404


class MethodNotAllowed(Problem):
    slug, title, status = "method-not-allowed", "Method not allowed", 405


class Unauthenticated(Problem):
    slug, title, status = "unauthenticated", "Unauthenticated", 401
    always: ClassVar[Mapping[str, str]] = {"www-authenticate": "Bearer"}


class Forbidden(Problem):
    slug, title, status = "forbidden", "Forbidden", 403


class IdempotencyKeyMissing(Problem):
    slug, title, status = "idempotency-key-missing", "Idempotency-Key missing", 400


class IdempotencyKeyInvalid(Problem):
    slug, title, status = "idempotency-key-invalid", "Idempotency-Key invalid", 400


class IdempotencyKeyReused(Problem):
    slug, title, status = "idempotency-key-reused", "Idempotency-Key reused", 422


class OutOfStock(Problem):
    slug, title, status = "out-of-stock", "Out of stock", 409


class PaymentDeclined(Problem):
    slug, title, status = "payment-declined", "Payment declined", 402


class InvalidTransition(Problem):
    slug, title, status = "invalid-transition", "Invalid transition", 409


class AlreadyExists(Problem):
    slug, title, status = "already-exists", "Already exists", 409


class ServiceUnavailable(Problem):
    slug, title, status = "service-unavailable", "Service unavailable", 503


class InternalError(Problem):
    slug, title, status = "internal", "Internal error", 500


def body_of(problem: Problem, instance: str) -> dict[str, Any]:
    """The members of the problem document; ``instance`` is the path of the request."""
    body: dict[str, Any] = {
        "type": f"/problems/{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": instance,
    }
    if problem.errors:
        body["errors"] = problem.errors
    return body | problem.extensions


def render(problem: Problem, instance: str) -> Response:
    return Response(
        orjson.dumps(body_of(problem, instance)),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={"cache-control": "no-store", **problem.headers},
    )


def from_http_exception(error: HTTPException, *, path: str) -> Problem:
    """What the framework raises by itself: unknown route, unreadable body."""
    if error.status_code == NotFound.status:
        return NotFound(f"There is nothing at {path}.")
    return InvalidParameter.field("body", None, str(error.detail))


def from_validation(error: RequestValidationError) -> Problem:
    """Names every field that is wrong. A wrong `Idempotency-Key` has problems of its own and wins over the rest."""
    for item in error.errors():
        if tuple(item["loc"]) == ("header", "Idempotency-Key"):
            if item["type"] == "missing":
                return IdempotencyKeyMissing("This request needs an Idempotency-Key header.")
            return IdempotencyKeyInvalid("Idempotency-Key must be 1 to 255 visible ASCII characters.")
    errors = [_field_error(item) for item in error.errors()]
    return InvalidParameter("; ".join(f"{item['field']}: {item['message']}" for item in errors), errors=errors)


def _field_error(item: Mapping[str, Any]) -> FieldError:
    name = _field_name(item["loc"])
    if item["type"] == "missing":
        return {"field": name, "message": "is required"}
    if item["type"] == "json_invalid":
        return {"field": "body", "message": f"is not JSON: {item['ctx']['error']}"}
    return {"field": name, "value": _echo(item["input"]), "message": str(item["msg"])}


def _field_name(location: Sequence[str | int]) -> str:
    """``("body", "items", 0, "product_id")`` as ``items[0].product_id``."""
    name = ""
    for part in location[1:]:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return name or str(location[0])


def _echo(value: object) -> object:
    """The wrong value, short enough to repeat and certainly JSON."""
    if value is None or isinstance(value, bool | int | float):
        return value if not isinstance(value, int) or -(2**53) < value < 2**53 else str(value)[:LONGEST_ECHO]
    text = value if isinstance(value, str) else repr(value)
    return text.encode(errors="replace").decode()[:LONGEST_ECHO]
