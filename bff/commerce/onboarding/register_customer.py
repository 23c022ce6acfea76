"""Registering and confirming on behalf of a viewer who need not be signed in: input rules and outcomes.

Nothing here depends on whether an e-mail address has an account: the workflow finds out, after the response.
"""

import re
from dataclasses import dataclass

from bff.commerce.context import Context
from bff.commerce.onboarding.messages import RegisterCustomerRequest
from bff.commerce.onboarding.ports import ConfirmResult
from matapalo import BadUserInput, Claim, Replay, replay_snapshot

POLL_AFTER_MS = 1_000

_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,100}")
#: What the customers service takes, and a dot in the domain.
_EMAIL = re.compile(r"[!-?A-~]{1,64}@(?=.{3,189}$)[a-z0-9-]+(\.[a-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class RegistrationReceived:
    """An email is on its way to the address, whether it has an account or not."""

    confirm_within_days: int


@dataclass(frozen=True, slots=True)
class EmailConfirmed:
    """The account is open, with a welcome credit."""

    welcome_points: int


@dataclass(frozen=True, slots=True)
class ConfirmationPending:
    """Not decided yet. The same token asks again."""

    poll_after_ms: int


@dataclass(frozen=True, slots=True)
class RegistrationExpired:
    """The code is too old: register again."""

    message: str


ConfirmEmailOutcome = EmailConfirmed | ConfirmationPending | RegistrationExpired


REGISTRATION = replay_snapshot(RegistrationReceived)
CONFIRMATION = Replay(EmailConfirmed, store=lambda outcome: outcome if isinstance(outcome, EmailConfirmed) else None)


def normalised(email: str) -> str:
    """One spelling for all spellings of an address."""
    return email.strip().lower()


async def register_customer(context: Context, claim: Claim, *, name: str, email: str) -> RegistrationReceived:
    """Begin the registration of a customer. Raises `BadUserInput` naming the field."""
    name, email = name.strip(), normalised(email)
    if not _NAME.fullmatch(name):
        raise BadUserInput("input.name: give 1 to 100 characters on one line", field="input.name")
    if not _EMAIL.fullmatch(email):
        raise BadUserInput("input.email: this is no e-mail address", field="input.email")
    if not await context.onboarding.register(RegisterCustomerRequest(claim, name, email)):
        context.replayed_attempts.add(claim.attempt_id)
    return RegistrationReceived(confirm_within_days=7)


async def confirm_email(context: Context, *, token: str) -> ConfirmEmailOutcome:
    """Confirm the address at which the token was read. Raises `BadUserInput` for what is no token of ours."""
    match await context.onboarding.confirm(token):
        case ConfirmResult.CONFIRMED:
            return EmailConfirmed(welcome_points=100)
        case ConfirmResult.UNDER_WAY:
            return ConfirmationPending(poll_after_ms=POLL_AFTER_MS)
    return RegistrationExpired("This code has expired. Please register again.")
