"""What the onboarding workflow is given, answers and passes to its activities: one frozen dataclass a message.

As in `bff.commerce.fulfilment.messages`, fields may be added with a default, never renamed or removed. Name and e-mail
address are in the workflow's input and nowhere else: not in search attributes, not in summaries.
"""

from dataclasses import dataclass
from enum import StrEnum


class OnboardingEnding(StrEnum):
    """How an onboarding completes."""

    WELCOMED = "WELCOMED"
    ALREADY_A_CUSTOMER = "ALREADY_A_CUSTOMER"
    EXPIRED = "EXPIRED"
    FAILED = "FAILED"


class OnboardingStatus(StrEnum):
    """Where an onboarding stands; shown in Temporal's UI."""

    REGISTERING = "REGISTERING"
    AWAITING_CONFIRMATION = "AWAITING_CONFIRMATION"
    WELCOMING = "WELCOMING"
    WELCOMED = "WELCOMED"
    CLOSING = "CLOSING"
    CLOSED = "CLOSED"
    NEEDS_ATTENTION = "NEEDS_ATTENTION"


@dataclass(frozen=True, slots=True)
class RegisterCustomer:
    """The input of the workflow. ``email`` is normalised."""

    customer_id: str
    name: str
    email: str
    request_hash: str
    attempt_id: str


@dataclass(frozen=True, slots=True)
class CustomerRef:
    """Which customer; also the routing subject of every call."""

    customer_id: str


@dataclass(frozen=True, slots=True)
class CreatedCustomer:
    """Created, or the address is somebody's already."""

    is_new: bool


class LetterKind(StrEnum):
    """The letters of an onboarding."""

    CONFIRM = "CONFIRM"
    REMIND = "REMIND"
    ALREADY_A_CUSTOMER = "ALREADY_A_CUSTOMER"


@dataclass(frozen=True, slots=True)
class WriteLetter:
    """One letter to whoever registered."""

    kind: LetterKind
    customer: RegisterCustomer


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The answer of `confirm`: whether the address is the customer's now. False when the time was over."""

    customer_id: str
    confirmed: bool
