"""The activities of the onboarding workflow: one call to a collaborator each, at most once."""

from collections.abc import Sequence

from temporalio import activity

from bff.commerce.mail import Mailer
from bff.commerce.onboarding.emails import letter
from bff.commerce.onboarding.messages import CreatedCustomer, CustomerRef, RegisterCustomer, WriteLetter
from bff.commerce.onboarding.ports import Accounts
from bff.commerce.onboarding.tokens import token_of
from matapalo import attempt_key, attempt_once, rejections

WELCOME_POINTS = 100


class OnboardingActivities:
    """The methods that a worker registers. The first of ``secrets`` signs the tokens in the letters."""

    def __init__(self, *, accounts: Accounts, mail: Mailer, secrets: Sequence[str]) -> None:
        self._accounts = accounts
        self._mail = mail
        self._secrets = secrets

    @activity.defn
    async def create_customer(self, customer: RegisterCustomer) -> CreatedCustomer:
        """Write the customer down, unverified."""
        with rejections():
            return await self._accounts.create(customer, attempt_once())

    @activity.defn
    async def write_letter(self, wanted: WriteLetter) -> None:
        """Send one letter. The token is made here, so that no history has it."""
        token = token_of(self._secrets[0], f"{activity.info().workflow_id}".partition(":")[2])
        await self._mail.send(letter(wanted, token=token, letter_id=f"{attempt_key()}:{wanted.kind}"))

    @activity.defn
    async def verify_customer(self, customer: CustomerRef) -> None:
        """The address is the customer's."""
        with rejections():
            await self._accounts.verify(customer, attempt_once())

    @activity.defn
    async def grant_welcome_credit(self, customer: CustomerRef) -> None:
        """Points for the welcome, once in a customer's life."""
        with rejections():
            await self._accounts.credit(customer, WELCOME_POINTS, attempt_once())

    @activity.defn
    async def expire_customer(self, customer: CustomerRef) -> None:
        """Undo `create_customer`; nothing happens when nothing was created."""
        with rejections():
            await self._accounts.expire(customer, attempt_once())
