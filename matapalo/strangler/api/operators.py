"""The gate in front of everything under `/admin`: role ``operator``, from a bearer token."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeAlias

from fastapi import Depends, Header, Request

from matapalo.strangler.caller import Caller, TokenVerifier

OperatorGate: TypeAlias = Callable[..., Awaitable[None]]


def operators_only(verifier: TokenVerifier) -> OperatorGate:
    """A dependency of a whole router. Raises Unauthenticated and Forbidden."""

    async def gate(request: Request, authorization: Annotated[str | None, Header()] = None) -> None:
        request.state.operator = await verifier.verify_operator(authorization)

    return gate


def _operator(request: Request) -> Caller:
    operator: Caller = request.state.operator
    return operator


Operator = Annotated[Caller, Depends(_operator)]
"""The operator whom the gate let through."""
