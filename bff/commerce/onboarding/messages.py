"""The messages of the onboarding workflow and its activities: one frozen dataclass each.

As in `bff.commerce.fulfilment.messages`, fields may be added with a default, never renamed or removed. Name and e-mail
address are in the workflow's input and nowhere else: not in search attributes, not in summaries.
"""

from dataclasses import dataclass
from enum import StrEnum

from matapalo import Claim


class OnboardingEnding(StrEnum):
    """How an onboarding completes."""

    WELCOMED = "WELCOMED"
    ALREADY_A_CUSTOMER = "ALREADY_A_CUSTOMER"
    EXPIRED = "EXPIRED"
    FAILED = "FAILED"


class OnboardingStatus(StrEnum):
    """The status of an onboarding; shown in Temporal's UI."""

    REGISTERING = "REGISTERING"
    AWAITING_CONFIRMATION = "AWAITING_CONFIRMATION"
    WELCOMING = "WELCOMING"
    WELCOMED = "WELCOMED"
    CLOSING = "CLOSING"
    CLOSED = "CLOSED"
    NEEDS_ATTENTION = "NEEDS_ATTENTION"


@dataclass(frozen=True, slots=True)
class RegisterCustomerRequest:
    """The input of the workflow: a new customer, under the claim of the mutation. ``email`` is normalised."""

    claim: Claim
    name: str
    email: str

    @property
    def customer_id(self) -> str:
        """`cust_` and the beginning of the record id: the same for every attempt under the key."""
        return f"cust_{self.claim.record_id[:16]}"


@dataclass(frozen=True, slots=True)
class CustomerRef:
    """Which customer; also the routing subject of every call."""

    customer_id: str


@dataclass(frozen=True, slots=True)
class CreatedCustomer:
    """Created, or the address belongs to another customer already."""

    is_new: bool


class EmailTemplate(StrEnum):
    """Which of the emails of an onboarding."""

    CONFIRM = "CONFIRM"
    REMIND = "REMIND"
    ALREADY_A_CUSTOMER = "ALREADY_A_CUSTOMER"


@dataclass(frozen=True, slots=True)
class SendEmail:
    """One email to the address that was registered."""

    template: EmailTemplate
    customer: RegisterCustomerRequest


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The result of `confirm`: whether the address is the customer's now. False when the time was over."""

    customer_id: str
    confirmed: bool
