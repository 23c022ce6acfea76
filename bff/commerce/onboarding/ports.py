"""What onboarding needs from outside, and what it offers to resolvers."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from bff.commerce.onboarding.messages import CreatedCustomer, CustomerRef, RegisterCustomer
from matapalo import Once


class Accounts(Protocol):
    """The customers service, as the onboarding workflow sees it. Removing what was never there does nothing."""

    async def create(self, customer: RegisterCustomer, once: Once) -> CreatedCustomer: ...

    async def verify(self, customer: CustomerRef, once: Once) -> None: ...

    async def credit(self, customer: CustomerRef, points: int, once: Once) -> None: ...

    async def expire(self, customer: CustomerRef, once: Once) -> None: ...


@dataclass(frozen=True, slots=True)
class RegistrationWish:
    """Who wants to be a customer, and under which ids it happens once: see `Claim`."""

    field: str
    record_id: str
    older_record_ids: tuple[str, ...]
    fingerprint: str
    attempt_id: str
    name: str
    email: str


class ConfirmAnswer(Enum):
    """What became of a confirmation."""

    CONFIRMED = "CONFIRMED"
    UNDER_WAY = "UNDER_WAY"
    TOO_LATE = "TOO_LATE"


class OnboardingWorkflows(Protocol):
    """What resolvers need of the onboarding workflows."""

    async def register(self, wish: RegistrationWish) -> bool:
        """Start the workflow; False when it runs or ran under this key already.

        Raises `IdempotencyKeyReused`, `WorkflowsUnavailable`, `Overloaded`.
        """
        ...

    async def confirm(self, token: str) -> ConfirmAnswer:
        """Tell the workflow that wrote the token. Raises `BadUserInput`, `WorkflowsUnavailable`."""
        ...
