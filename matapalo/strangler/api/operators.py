"""The gate in front of everything under `/admin`: role ``operator``, from a bearer token."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeAlias

from fastapi import Header

from matapalo.strangler.caller import Caller, TokenVerifier
from matapalo.strangler.errors import Forbidden

OperatorGate: TypeAlias = Callable[[str | None], Awaitable[Caller]]


def operators_only(verifier: TokenVerifier) -> OperatorGate:
    """A FastAPI dependency: the operator who asks. Raises Unauthenticated and Forbidden."""

    async def operator(authorization: Annotated[str | None, Header()] = None) -> Caller:
        caller = await verifier.verify(authorization)
        if caller.role != "operator":
            raise Forbidden(f"this needs role operator, and the token's role is {caller.role!r}")
        return caller

    return operator
