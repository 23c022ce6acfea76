"""The gate in front of everything under `/admin`: role ``operator``, from a bearer token."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeAlias

from fastapi import Header

from matapalo.strangler.caller import Caller, TokenVerifier

OperatorGate: TypeAlias = Callable[[str | None], Awaitable[Caller]]


def operators_only(verifier: TokenVerifier) -> OperatorGate:
    """A FastAPI dependency: the operator of a request. Raises Unauthenticated and Forbidden."""

    async def operator(authorization: Annotated[str | None, Header()] = None) -> Caller:
        return await verifier.verify_operator(authorization)

    return operator
