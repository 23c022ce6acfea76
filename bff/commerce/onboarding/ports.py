"""What onboarding needs from outside, and what it offers to resolvers."""

from enum import Enum
from typing import Protocol

from bff.commerce.onboarding.messages import CreatedCustomer, CustomerRef, RegisterCustomerRequest
from matapalo import IdempotentCall


class Accounts(Protocol):
    """The customers service, as the onboarding workflow sees it. Removing what was never there does nothing."""

    async def create(self, customer: RegisterCustomerRequest, call: IdempotentCall) -> CreatedCustomer: ...

    async def verify(self, customer: CustomerRef, call: IdempotentCall) -> None: ...

    async def credit(self, customer: CustomerRef, points: int, call: IdempotentCall) -> None: ...

    async def expire(self, customer: CustomerRef, call: IdempotentCall) -> None: ...


class ConfirmResult(Enum):
    """How a confirmation ended, for now."""

    CONFIRMED = "CONFIRMED"
    UNDER_WAY = "UNDER_WAY"
    TOO_LATE = "TOO_LATE"


class OnboardingWorkflows(Protocol):
    """What resolvers need of the onboarding workflows."""

    async def register(self, request: RegisterCustomerRequest) -> bool:
        """Start the workflow; False when it runs or ran under this key already.

        Raises `IdempotencyKeyReused`, `WorkflowsUnavailable`, `Overloaded`.
        """
        ...

    async def confirm(self, token: str) -> ConfirmResult:
        """Confirm to the workflow that sent the token. Raises `BadUserInput`, `WorkflowsUnavailable`."""
        ...
