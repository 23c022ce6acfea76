"""Writing at a service on behalf of a viewer, once for each attempt's `Claim`.

Services take writes from the role `service` only; `x-user-id` stays the viewer's, so that a route which is split by
user sends all calls of a user to one side. What the service refuses is refused to the client in the same words, by the
GraphQL name of the field.
"""

import re
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

from bff.commerce.context import Context
from matapalo import BadUserInput, Claim, IdempotencyKeyReused, Problem, UpstreamRejected

T = TypeVar("T")

AS_SERVICE = {"x-role": "service"}


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
    found = problem.members.get("errors")
    first = found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else {}
    message = str(first.get("message", problem.detail or problem.title))
    if not first.get("field"):
        raise BadUserInput(message)
    field = graphql_name(str(first["field"]))
    raise BadUserInput(f"{field}: {message}", field=field)


def graphql_name(field: str) -> str:
    """A service's name for a field of its body, as the client knows it: ``items[0].product_id`` → camel case."""
    camel = re.sub(r"_([a-z])", lambda letter: letter[1].upper(), field)
    return f"input.{camel}" if camel else "input"
