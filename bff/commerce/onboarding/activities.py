"""The activities of the onboarding workflow: one call to a collaborator each, at most once."""

from collections.abc import Sequence

from temporalio import activity

from bff.commerce.mail import Mailer
from bff.commerce.onboarding.emails import onboarding_email
from bff.commerce.onboarding.messages import CreatedCustomer, CustomerRef, RegisterCustomerRequest, SendEmail
from bff.commerce.onboarding.ports import Accounts
from bff.commerce.onboarding.tokens import confirmation_token
from matapalo import idempotent_call, rejections

WELCOME_POINTS = 100


class OnboardingActivities:
    """The methods that a worker registers. The first of ``secrets`` signs the tokens in the emails."""

    def __init__(self, *, accounts: Accounts, mail: Mailer, secrets: Sequence[str]) -> None:
        self._accounts = accounts
        self._mail = mail
        self._secrets = secrets

    @activity.defn
    async def create_customer(self, customer: RegisterCustomerRequest) -> CreatedCustomer:
        """Create the customer, not yet verified."""
        with rejections():
            return await self._accounts.create(customer, idempotent_call())

    @activity.defn
    async def send_email(self, request: SendEmail) -> None:
        """Send one email. The token is made here, so that no history has it."""
        token = confirmation_token(self._secrets, request.customer.claim.record_id)
        email_id = f"{idempotent_call().idempotency_key}:{request.template}"
        await self._mail.send(onboarding_email(request, token=token, email_id=email_id))

    @activity.defn
    async def verify_customer(self, customer: CustomerRef) -> None:
        """Mark the address as the customer's."""
        with rejections():
            await self._accounts.verify(customer, idempotent_call())

    @activity.defn
    async def grant_welcome_credit(self, customer: CustomerRef) -> None:
        """Points for the welcome, once in a customer's life."""
        with rejections():
            await self._accounts.credit(customer, WELCOME_POINTS, idempotent_call())

    @activity.defn
    async def expire_customer(self, customer: CustomerRef) -> None:
        """Compensate `create_customer`; nothing happens when nothing was created."""
        with rejections():
            await self._accounts.expire(customer, idempotent_call())
