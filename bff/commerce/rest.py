"""Reading and writing at the services: rows by id in one call, writes once for each attempt's `Claim`.

Services take writes from the role `service` only; `x-user-id` stays the viewer's, so that a route which is split by
user sends all calls of a user to one side. What the service refuses is refused to the client in the same words, by the
GraphQL name of the field.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NoReturn, TypeVar

from bff.commerce.context import Context
from matapalo import MAX_PAGE, BadUserInput, Claim, IdempotencyKeyReused, Problem, RestClient, UpstreamRejected

T = TypeVar("T")

AS_SERVICE = {"x-role": "service"}
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_id(text: str) -> bool:
    """Whether a service could have a row with this id. Others do not exist, which needs no call."""
    return _ID.fullmatch(text) is not None


async def rows_by(
    rest: RestClient, path: str, keys: Sequence[str], *, into: type[T], key: str = "id", by: str = "ids"
) -> list[T | None]:
    """For each of ``keys`` the row whose attribute ``key`` equals it, or None. ``by`` is the name of the parameter."""
    ids = [candidate for candidate in keys if is_id(candidate)]
    if not ids:
        return [None] * len(keys)
    key_of: Callable[[T], Any] = attrgetter(key)
    params = {} if by == "ids" else {"limit": MAX_PAGE}
    rows = {key_of(row): row for row in await rest.get_many(path, ids, into=into, by=by, params=params)}
    return [rows.get(value) for value in keys]


async def write(
    context: Context, claim: Claim, call: str, method: str, path: str, body: Mapping[str, Any], *, into: type[T]
) -> T:
    """One write. ``call`` names it among those of the mutation. Raises `UpstreamRejected` for business refusals."""
    try:
        return await context.rest.with_headers(AS_SERVICE).send(
            method, path, body, into=into, idempotency_key=claim.derived(call)
        )
    except UpstreamRejected as rejected:
        if rejected.problem.slug == "idempotency-key-reused":
            raise IdempotencyKeyReused("this Idempotency-Key was used with other input") from rejected
        if rejected.problem.slug == "invalid-parameter":
            refuse(rejected.problem)
        raise


def refuse(problem: Problem) -> NoReturn:
    """Raise `BadUserInput` for what the service found wrong with the input."""
    errors = problem.members.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    message = str(first.get("message", problem.detail or problem.title))
    if not first.get("field"):
        raise BadUserInput(message)
    field = graphql_name(str(first["field"]))
    raise BadUserInput(f"{field}: {message}", field=field)


def graphql_name(field: str) -> str:
    """A service's name for a field of its body, as the client knows it: ``items[0].product_id`` → camel case."""
    camel = re.sub(r"_([a-z])", lambda match: match[1].upper(), field)
    return f"input.{camel}" if camel else "input"
